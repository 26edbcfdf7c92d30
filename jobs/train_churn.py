"""Train, compare and register churn models."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.cli import AsOf, ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    as_of: AsOf = None,
    search: Annotated[
        str | None, typer.Option(help="Name of a search in conf: none, small, full. Default: conf.")
    ] = None,
    skip_older: Annotated[
        bool,
        typer.Option(
            "--skip-older",
            help="Train nothing, in place of an error, if a model of a later day is registered.",
        ),
    ] = False,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Train, compare and register the churn models; the best one becomes the challenger."""
    changes = {} if search is None else {"training": {"search": search}}
    options = RunOptions(env, as_of, dry_run, conf_dir, changes=changes)
    with started("train_churn", options) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.churn.churn_training import TrainOptions, run

        run(context, TrainOptions(is_older_skipped=skip_older))


main = application(command)

if __name__ == "__main__":
    main()
