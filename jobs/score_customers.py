"""Score, explain and segment the customers of one as_of."""

from __future__ import annotations

from runtime.cli import AsOf, ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Score, explain and segment the customers of an as_of."""
    with started("score_customers", RunOptions(env, as_of, dry_run, conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.churn.customer_scoring import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
