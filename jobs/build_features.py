"""Build the feature tables and labels of one or many dates."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.cli import ConfDir, DryRun, Env, RunOptions, application, built_days, started


def command(
    env: Env,
    as_of: Annotated[
        list[str] | None,
        typer.Option(
            help="Day (YYYY-MM-DD), repeatable. Default: as_of of conf and its training dates."
        ),
    ] = None,
    with_training_dates: Annotated[
        bool,
        typer.Option(
            "--with-training-dates", help="Also build the dates that training at --as-of uses."
        ),
    ] = False,
    engine: Annotated[
        str, typer.Option(help="spark, or duckdb: one machine without a JVM, the same tables.")
    ] = "spark",
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Build features.demographics, behavior, transactions and labels."""
    checks = [lambda settings: built_days(as_of, with_training_dates)]
    training_day = as_of[0] if with_training_dates and as_of else None
    options = RunOptions(env, training_day, dry_run, conf_dir, engine=engine, checks=checks)
    with started("build_features", options) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.features.feature_tables import (
            FeatureOptions,
            run,
        )

        run(context, FeatureOptions(built_days(as_of, with_training_dates)))


main = application(command)

if __name__ == "__main__":
    main()
