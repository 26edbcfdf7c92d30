"""Erase customers from all tables, their history, files and the online store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runtime.cli import ConfDir, DryRun, Env, RunOptions, application, started
from runtime.erasure_options import check_erasure_key, check_packages, customers_of


def command(
    env: Env,
    customer: Annotated[
        list[str] | None, typer.Option(help="Id of a customer. Can be repeated.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="File with one id per line; the first line may be customer_id."),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Do not wait for other commands, and do not stop if a prediction service runs.",
        ),
    ] = False,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Erase customers from all tables, their history, files and the online store."""
    checks = (lambda _: customers_of(customer, file), check_erasure_key, check_packages)
    options = RunOptions(env, is_dry=dry_run, conf_dir=conf_dir, checks=checks)
    with started("erase_customer", options) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.erasure.customer_erasure import ErasureOptions, run

        run(context, ErasureOptions(customers_of(customer, file), force))


main = application(command)

if __name__ == "__main__":
    main()
