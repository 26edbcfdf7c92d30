"""Write the message of each decided offer."""

from __future__ import annotations

from runtime.cli import AsOf, ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Write the message of each decided offer; messages wait for approval."""
    with started("write_messages", RunOptions(env, as_of, dry_run, conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.outreach.message_writing import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
