"""Give the champion's alias back to the version before it."""

from __future__ import annotations

from pipelines.churn.champion_rollback import run
from runtime.cli import ConfDir, DryRun, Env, application, start


def command(env: Env = "demo", dry_run: DryRun = False, conf_dir: ConfDir = None) -> None:
    """Make the previous champion the champion again."""
    start("roll_back", run, env, is_dry=dry_run, conf_dir=conf_dir)


main = application(command)

if __name__ == "__main__":
    main()
