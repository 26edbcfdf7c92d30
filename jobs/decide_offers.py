"""Decide the offer for each customer, and its date, under the budget of conf."""

from __future__ import annotations

from runtime.cli import AsOf, ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Decide which customer gets which offer, and when, under the budget of conf."""
    with started("decide_offers", RunOptions(env, as_of, dry_run, conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.offers.offer_planning import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
