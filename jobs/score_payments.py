"""Score payments for fraud."""

from __future__ import annotations

from runtime.cli import AsOf, ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Score the payments of the days before an as_of, as /fraud/score does."""
    with started("score_payments", RunOptions(env, as_of, dry_run, conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.fraud.payment_scoring import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
