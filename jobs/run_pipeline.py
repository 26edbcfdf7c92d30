"""Run every step from source files to scored customers and the report."""

from __future__ import annotations

from runtime.cli import AsOf, ConfDir, DryRun, Env, RunOptions, application, started
from runtime.settings.source_paths import check_pipeline_sources


def command(
    env: Env,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """From raw files to scored, explained and segmented customers."""
    options = RunOptions(env, as_of, dry_run, conf_dir, checks=[check_pipeline_sources])
    with started("run_pipeline", options) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.full_pipeline import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
