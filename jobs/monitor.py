"""Monitor drift, sources, model performance and promises; alert a person."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.cli import AsOf, ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    as_of: AsOf = None,
    test_alert: Annotated[
        bool, typer.Option("--test-alert", help="Only send one test alert to every sink.")
    ] = False,
    newest_features: Annotated[
        bool,
        typer.Option(
            "--newest-features", help="Monitor the newest day up to --as-of that has features."
        ),
    ] = False,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Monitor drift, sources, model performance and promises; alert a person."""
    with started("monitor", RunOptions(env, as_of, dry_run, conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.monitoring.monitor_run import run

        run(context, is_test=test_alert, is_newest=newest_features)


main = application(command)

if __name__ == "__main__":
    main()
