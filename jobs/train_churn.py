"""Train, compare and register churn models on many as_of dates, split by time."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.churn.churn_training import run
from runtime.cli import AsOf, ConfDir, DryRun, Env, application, start


def command(
    env: Env = "demo",
    as_of: AsOf = None,
    search: Annotated[
        str | None, typer.Option(help="Name of a search in conf: none, small, full. Default: conf.")
    ] = None,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Train, compare and register the churn models; promote the best where it is better."""
    changes = {} if search is None else {"training": {"search": search}}
    start("train_churn", run, env, as_of, dry_run, conf_dir, changes=changes)


main = application(command)

if __name__ == "__main__":
    main()
