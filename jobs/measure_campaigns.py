"""Compare those who were sent an offer with those held out at random: did it work?"""

from __future__ import annotations

from pipelines.offers.campaign_measurement import run
from runtime.cli import AsOf, ConfDir, DryRun, Env, application, start


def command(
    env: Env = "demo", as_of: AsOf = None, dry_run: DryRun = False, conf_dir: ConfDir = None
) -> None:
    """Compare those who were sent an offer with those held out at random."""
    start("measure_campaigns", run, env, as_of, dry_run, conf_dir)


main = application(command)

if __name__ == "__main__":
    main()
