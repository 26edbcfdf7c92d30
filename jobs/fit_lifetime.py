"""Fit what customers will buy and are worth; back-test it; register it; worth by customer."""

from __future__ import annotations

from pipelines.lifetime.lifetime_fitting import run
from runtime.cli import AsOf, ConfDir, DryRun, Env, application, start


def command(
    env: Env = "demo", as_of: AsOf = None, dry_run: DryRun = False, conf_dir: ConfDir = None
) -> None:
    """Fit lifetime models, back-test them, and say what each customer will buy and is worth."""
    start("fit_lifetime", run, env, as_of, dry_run, conf_dir)


main = application(command)

if __name__ == "__main__":
    main()
