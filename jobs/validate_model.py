"""Judge the challenger against the champion on the newest matured labels."""

from __future__ import annotations

from runtime.cli import AsOf, ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Judge the challenger against the champion on the newest matured labels."""
    with started("validate_model", RunOptions(env, as_of, dry_run, conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.churn.model_validation import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
