"""Load new source files into bronze and silver."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.cli import ConfDir, DryRun, Env, RunOptions, application, parse_moment, started
from runtime.settings.source_paths import check_sources


def command(
    env: Env,
    known_at: Annotated[
        str | None,
        typer.Option(help="Arrival time of the files (UTC), YYYY-MM-DD[THH:MM:SS]. Default: now."),
    ] = None,
    replay: Annotated[
        str | None,
        typer.Option(
            help="Process the quarantined rows of this source again, instead of new files."
        ),
    ] = None,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Load the new files of every source: raw rows to bronze, typed and checked rows to silver."""
    checks = [
        lambda settings: parse_moment(known_at, "--known-at"),
        lambda settings: check_sources(settings, replay),
    ]
    options = RunOptions(env, None, dry_run, conf_dir, checks=checks)
    with started("ingest", options) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.ingestion.source_ingestion import (
            IngestOptions,
            run,
        )

        run(context, IngestOptions(parse_moment(known_at, "--known-at"), replay))


main = application(command)

if __name__ == "__main__":
    main()
