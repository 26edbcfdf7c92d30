"""Send the contacts that wait in the outbox."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.cli import AsOf, ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    as_of: AsOf = None,
    retry_dead: Annotated[
        bool, typer.Option("--retry-dead", help="Also retry dead letters.")
    ] = False,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Send the contacts of the outbox: to files, to a webhook, by e-mail."""
    with started("deliver_outbox", RunOptions(env, as_of, dry_run, conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.outreach.outbox_delivery import (
            DeliveryOptions,
            run,
        )

        run(context, DeliveryOptions(retry_dead))


main = application(command)

if __name__ == "__main__":
    main()
