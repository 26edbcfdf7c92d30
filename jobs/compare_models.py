"""Compare champion and challenger on customers that were assigned to them at random."""

from __future__ import annotations

from runtime.cli import AsOf, ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """A/B test of champion and challenger on the customers that each of them scored."""
    with started("compare_models", RunOptions(env, as_of, dry_run, conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.churn.champion_challenger import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
