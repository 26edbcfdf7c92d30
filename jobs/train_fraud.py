"""Train the fraud model."""

from __future__ import annotations

from runtime.cli import AsOf, ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Train and register the fraud model; promote it if it is better."""
    with started("train_fraud", RunOptions(env, as_of, dry_run, conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.fraud.fraud_training import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
