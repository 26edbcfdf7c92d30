"""Learn from campaigns what each offer changes for whom, and say if it can be told.

Experiments decide; campaigns that chose their customers are adjusted, and said to be so."""

from __future__ import annotations

from pipelines.offers.uplift_estimation import run
from runtime.cli import AsOf, ConfDir, DryRun, Env, application, start


def command(
    env: Env = "demo", as_of: AsOf = None, dry_run: DryRun = False, conf_dir: ConfDir = None
) -> None:
    """Learn from randomised campaigns what each offer changes for whom."""
    start("estimate_uplift", run, env, as_of, dry_run, conf_dir)


main = application(command)

if __name__ == "__main__":
    main()
