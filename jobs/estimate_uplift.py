"""Estimate the effect of each offer from past campaigns and compare policies."""

from __future__ import annotations

from runtime.cli import AsOf, ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Estimate the effect of each offer per customer from campaigns; compare policies."""
    with started("estimate_uplift", RunOptions(env, as_of, dry_run, conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.offers.uplift_estimation import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
