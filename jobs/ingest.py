"""Sources -> bronze -> silver: each new file whole and once, its bad rows to quarantine."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.ingestion.source_ingestion import run
from runtime.cli import ConfDir, DryRun, Env, application, parse_moment, start


def command(
    env: Env = "demo",
    known_at: Annotated[
        str | None,
        typer.Option(help="When the files reached us (UTC), YYYY-MM-DD[THH:MM:SS]. Default: now."),
    ] = None,
    replay: Annotated[
        str | None,
        typer.Option(help="Instead of new files: a source whose quarantined rows are tried again."),
    ] = None,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Take in the new files of every source: bronze as they came, silver typed and checked."""
    moment = parse_moment(known_at, "--known-at")
    start("ingest", run, env, is_dry=dry_run, conf_dir=conf_dir, known_at=moment, replay=replay)


main = application(command)

if __name__ == "__main__":
    main()
