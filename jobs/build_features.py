"""Build the feature tables and labels of one or many dates."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.cli import ConfDir, DryRun, Env, RunOptions, application, parse_days, started


def command(
    env: Env,
    as_of: Annotated[
        list[str] | None,
        typer.Option(
            help="Day (YYYY-MM-DD), repeatable. Default: as_of of conf and its training dates."
        ),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="spark, or duckdb: one machine without a JVM, the same tables.")
    ] = "spark",
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Build features.demographics, behavior, transactions and labels."""
    checks = [lambda settings: parse_days(as_of, "--as-of")]
    options = RunOptions(env, None, dry_run, conf_dir, engine=engine, checks=checks)
    with started("build_features", options) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.features.feature_tables import (
            FeatureOptions,
            run,
        )

        run(context, FeatureOptions(parse_days(as_of, "--as-of")))


main = application(command)

if __name__ == "__main__":
    main()
