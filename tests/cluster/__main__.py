"""python -m tests.cluster JOB [OPTIONS]: run a command on a standalone cluster of this machine.

`make cluster` runs it. The cluster is stopped at the end, also after an error or Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.cluster.standalone import ROOT, built_package, driver_environment, standalone


def main(job: str, options: list[str]) -> int:
    """The exit code of the command."""
    # make ends its children with SIGTERM; `finally` blocks run for an exception only.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    program = ROOT / "jobs" / f"{job}.py"
    if not program.is_file():
        print(f"{job}: must be the name of a file in jobs/, such as run_pipeline.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="holdfast-cluster-") as scratch:
        package = built_package(ROOT / "dist")
        with standalone(Path(scratch)) as cluster:
            print(f"{cluster.url}: a master and two workers; logs in {cluster.folder}", flush=True)
            command = cluster.submit_command(program, *options, package=package)
            own = {k: v for k, v in os.environ.items() if k.startswith("HOLDFAST_")}
            place = {"HOLDFAST__LAKEHOUSE__ROOT": "lakehouse-cluster"}
            chosen = driver_environment(**{**place, **own, "HOLDFAST__SPARK_PROFILE": "cluster"})
            # In a group of its own, Ctrl-C would not reach it.
            return subprocess.run(command, env=chosen, check=False).returncode


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit("usage: python -m tests.cluster JOB [OPTIONS]")
    raise SystemExit(main(sys.argv[1], sys.argv[2:]))
