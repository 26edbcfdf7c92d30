"""Put into the outbox who is to be contacted because their risk level has risen."""

from __future__ import annotations

from pipelines.outreach.engagement_triggers import run
from runtime.cli import AsOf, ConfDir, DryRun, Env, application, start


def command(
    env: Env = "demo", as_of: AsOf = None, dry_run: DryRun = False, conf_dir: ConfDir = None
) -> None:
    """Put into the outbox who is to be contacted because their risk level rose."""
    start("trigger_engagement", run, env, as_of, dry_run, conf_dir)


main = application(command)

if __name__ == "__main__":
    main()
