"""Make the challenger the champion, if validate_model accepted it."""

from __future__ import annotations

from runtime.cli import ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Make the challenger the champion, if validate_model accepted it."""
    with started("deploy_model", RunOptions(env, is_dry=dry_run, conf_dir=conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.churn.model_deployment import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
