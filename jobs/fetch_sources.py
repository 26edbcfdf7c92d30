"""Fetch new records from REST APIs into the folders of their sources."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from runtime.cli import ConfDir, Env, application, reported


def command(
    env: Env,
    source: Annotated[
        str | None, typer.Option(help="Fetch this source only. Default: every source with fetch.")
    ] = None,
    conf_dir: ConfDir = None,
) -> None:
    """Fetch the records that changed since the last run, for `ingest` to load. Needs no Spark."""
    # The files hold personal data: other users of the machine cannot read them.
    os.umask(os.umask(0o027) | 0o027)
    with reported("fetch_sources"):
        # The HTTP client takes over 0.2 s to import.
        from pipelines.connectors.source_fetch import FetchOptions, run

        run(FetchOptions(env, source, conf_dir))


main = application(command)

if __name__ == "__main__":
    main()
