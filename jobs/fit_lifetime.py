"""Fit lifetime models and estimate the remaining lifetime and value of each customer."""

from __future__ import annotations

from runtime.cli import AsOf, ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Fit and back-test lifetime models; estimate purchases, lifetime and value per customer."""
    with started("fit_lifetime", RunOptions(env, as_of, dry_run, conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.lifetime.lifetime_fitting import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
