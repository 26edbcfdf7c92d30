"""Decide which offer goes to whom, and when, under the budget of conf."""

from __future__ import annotations

from pipelines.offers.offer_planning import run
from runtime.cli import AsOf, ConfDir, DryRun, Env, application, start


def command(
    env: Env = "demo", as_of: AsOf = None, dry_run: DryRun = False, conf_dir: ConfDir = None
) -> None:
    """Decide which offer goes to whom, and when, under the budget of conf."""
    start("decide_offers", run, env, as_of, dry_run, conf_dir)


main = application(command)

if __name__ == "__main__":
    main()
