"""Compact small files, and delete old versions and old dates."""

from __future__ import annotations

from runtime.cli import ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Compact small files, and delete old versions and, if conf says so, old dates."""
    with started("maintain", RunOptions(env, is_dry=dry_run, conf_dir=conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.maintenance.lakehouse_upkeep import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
