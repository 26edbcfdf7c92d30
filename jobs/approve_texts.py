"""Approve or reject the texts of offer messages."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from runtime.approval_options import ApprovalOptions, check
from runtime.cli import ConfDir, DryRun, Env, RunOptions, application, parse_moment, started


def command(
    env: Env,
    action: Annotated[str, typer.Argument(help="list, show, approve or reject.")] = "list",
    text_ids: Annotated[
        list[str] | None, typer.Argument(help="Text ids, or their first 6 or more digits.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who approves or rejects.")] = None,
    at: Annotated[
        str | None,
        typer.Option(help="Time of the decision (UTC), YYYY-MM-DD[THH:MM:SS]. Default: now."),
    ] = None,
    offer: Annotated[str | None, typer.Option(help="Only texts of this offer.")] = None,
    language: Annotated[str | None, typer.Option(help="Only texts in this language.")] = None,
    status: Annotated[
        str, typer.Option(help="For list: waiting, approved, rejected, refused or all.")
    ] = "waiting",
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """List and show the texts that Claude wrote; approve or reject them."""
    given = ApprovalOptions(action, tuple(text_ids or ()), by, None, offer, language, status)
    checks = [lambda settings: parse_moment(at, "--at"), lambda settings: check(given)]
    options = RunOptions(env, None, dry_run, conf_dir, checks=checks)
    with started("approve_texts", options) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.outreach.text_approval import run

        run(context, replace(given, at=parse_moment(at, "--at")))


main = application(command)

if __name__ == "__main__":
    main()
