"""The main job: ingest, features, models, scores, plan and the report, in one session."""

from __future__ import annotations

from pipelines.full_pipeline import run
from runtime.cli import AsOf, ConfDir, DryRun, Env, application, start


def command(
    env: Env = "demo", as_of: AsOf = None, dry_run: DryRun = False, conf_dir: ConfDir = None
) -> None:
    """From raw files to scored, explained and segmented customers."""
    start("run_pipeline", run, env, as_of, dry_run, conf_dir)


main = application(command)

if __name__ == "__main__":
    main()
