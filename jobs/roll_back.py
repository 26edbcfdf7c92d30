"""Make the previous champion the champion again."""

from __future__ import annotations

from runtime.cli import ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Make the previous champion the champion again."""
    with started("roll_back", RunOptions(env, is_dry=dry_run, conf_dir=conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.churn.champion_rollback import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
