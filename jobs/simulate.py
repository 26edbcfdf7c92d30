"""Write the source files of a simulated company, and its truth in a separate folder."""

from __future__ import annotations

from runtime.cli import ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Write the source files of a simulated company; its truth goes to a separate folder."""
    with started("simulate", RunOptions(env, is_dry=dry_run, conf_dir=conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.simulation.company_files import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
