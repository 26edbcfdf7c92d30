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
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="A column that is known instead of guessed, such as customer_id=Customer; "
            "discount= for none. Repeatable."
        ),
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Currency of the amounts (ISO 4217), such as EUR.")
    ] = None,
    facts: Annotated[
        str | None, typer.Option(help="File to which the guess is also written as JSON.")
    ] = None,
    conf_dir: ConfDir = None,
) -> None:
    """Guess how an export is written and write conf/<env>.yaml. No file is overwritten."""
    with reported("init"):
        options = init_options(
            path, new_env, conf_dir, columns=column or (), currency=currency, facts=facts
        )
        # pandas takes over 0.2 s to import.
        from pipelines.ingestion.conf_guess import run

        run(options)


main = application(command)

if __name__ == "__main__":
    main()
