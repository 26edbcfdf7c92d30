"""Write the sources of a simulated company, and apart from them the truth behind them."""

from __future__ import annotations

from pipelines.simulation.company_files import run
from runtime.cli import ConfDir, DryRun, Env, application, start


def command(env: Env = "simulated", dry_run: DryRun = False, conf_dir: ConfDir = None) -> None:
    """Write the files of a simulated company, and the truth about it apart from them."""
    start("simulate", run, env, is_dry=dry_run, conf_dir=conf_dir)


main = application(command)

if __name__ == "__main__":
    main()
