"""Score, explain and segment the customers of an as_of with the champion."""

from __future__ import annotations

from pipelines.churn.customer_scoring import run
from runtime.cli import AsOf, ConfDir, DryRun, Env, application, start


def command(
    env: Env = "demo", as_of: AsOf = None, dry_run: DryRun = False, conf_dir: ConfDir = None
) -> None:
    """Score, explain and segment the customers of an as_of."""
    start("score_customers", run, env, as_of, dry_run, conf_dir)


main = application(command)

if __name__ == "__main__":
    main()
