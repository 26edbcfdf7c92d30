"""A/B of champion and challenger: what came of the customers that each of them scored."""

from __future__ import annotations

from pipelines.churn.champion_challenger import run
from runtime.cli import AsOf, ConfDir, DryRun, Env, application, start


def command(
    env: Env = "demo", as_of: AsOf = None, dry_run: DryRun = False, conf_dir: ConfDir = None
) -> None:
    """A/B of champion and challenger: what came of the customers that each of them scored."""
    start("compare_models", run, env, as_of, dry_run, conf_dir)


main = application(command)

if __name__ == "__main__":
    main()
