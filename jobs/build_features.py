"""Build the feature tables and labels for one or many as_of dates in one pass over the data."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.features.feature_tables import run
from runtime.cli import ConfDir, DryRun, Env, application, start


def command(
    env: Env = "demo",
    as_of: Annotated[
        list[str] | None,
        typer.Option(
            help="Day (YYYY-MM-DD), repeatable. Default: as_of of conf and the dates it trains on."
        ),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="spark, or duckdb: one box without a JVM, the same tables.")
    ] = "spark",
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Build features.demographics, behavior, transactions and labels."""
    start(
        "build_features",
        run,
        env,
        is_dry=dry_run,
        conf_dir=conf_dir,
        engine=engine,
        as_of_texts=as_of or [],
    )


main = application(command)

if __name__ == "__main__":
    main()
