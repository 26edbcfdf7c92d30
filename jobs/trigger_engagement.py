"""Queue contacts for customers whose risk level rose."""

from __future__ import annotations

from runtime.cli import AsOf, ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Queue a contact for each customer whose risk level rose, by the rules of conf."""
    with started("trigger_engagement", RunOptions(env, as_of, dry_run, conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.outreach.engagement_triggers import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
