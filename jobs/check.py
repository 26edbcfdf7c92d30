"""Check a sample of the sources without Spark."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.cli import ConfDir, RunOptions, application, started


def command(
    env: Annotated[str, typer.Argument(help="Name of a file in conf/ (without .yaml).")],
    conf_dir: ConfDir = None,
) -> None:
    """Show on a sample what ingest would keep, leave out and quarantine. Nothing is written."""
    options = RunOptions(env, is_dry=True, conf_dir=conf_dir, engine="duckdb")
    with started("check", options) as context:
        # pandas and DuckDB take over 0.2 s to import.
        from pipelines.ingestion.sample_check import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
