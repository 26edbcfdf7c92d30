"""Send what the outbox holds: to files, to a webhook, by e-mail."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.outreach.outbox_delivery import run
from runtime.cli import AsOf, ConfDir, DryRun, Env, application, start


def command(
    env: Env = "demo",
    as_of: AsOf = None,
    retry_dead: Annotated[
        bool, typer.Option("--retry-dead", help="Try also contacts that were given up.")
    ] = False,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Send what the outbox holds: to files, to a webhook, by e-mail."""
    start("deliver_outbox", run, env, as_of, dry_run, conf_dir, retry_dead=retry_dead)


main = application(command)

if __name__ == "__main__":
    main()
