"""Write the message of every offer decided: by Claude within a spend cap, else by template."""

from __future__ import annotations

from pipelines.outreach.message_writing import run
from runtime.cli import AsOf, ConfDir, DryRun, Env, application, start


def command(
    env: Env = "demo", as_of: AsOf = None, dry_run: DryRun = False, conf_dir: ConfDir = None
) -> None:
    """Write the messages of the offers decided, held until a person approves them."""
    start("write_messages", run, env, as_of, dry_run, conf_dir)


main = application(command)

if __name__ == "__main__":
    main()
