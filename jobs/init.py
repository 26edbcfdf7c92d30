"""Write the settings of a company from a sample of its export of orders."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.cli import ConfDir, application, reported
from runtime.settings.new_environment import init_options


def command(
    path: Annotated[
        str, typer.Argument(help="The export: a CSV, Excel or Parquet file, or a folder of files.")
    ],
    new_env: Annotated[
        str, typer.Option("--env", help="Name of the file to write in conf/.")
    ] = "mine",
    conf_dir: ConfDir = None,
) -> None:
    """Guess how an export is written and write conf/<env>.yaml. No file is overwritten."""
    with reported("init"):
        options = init_options(path, new_env, conf_dir)
        # pandas takes over 0.2 s to import.
        from pipelines.ingestion.conf_guess import run

        run(options)


main = application(command)

if __name__ == "__main__":
    main()
