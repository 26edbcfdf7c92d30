"""A process of its own that holds leases, and is told by lines what to do: for test_leases.py.

Arguments: the lakehouse, the tables separated by commas, lease_seconds, wait_seconds, a name, and
by how many seconds its clock is wrong.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]


@contextmanager
def lease_process(lakehouse, tables, name="other", *, lease=1.0, wait=20.0, clock=0.0):
    """The process, once it has started. It is killed at the end."""
    arguments = [str(lakehouse), ",".join(tables), str(lease), str(wait), name, str(clock)]
    with subprocess.Popen(
        [sys.executable, __file__, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def told(process, line):
    """What the process answers to a line: `check`, `release`."""
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def main(lakehouse, tables, lease, wait, name, clock):
    from runtime.errors import BusyError
    from runtime.lakehouse.lease_files import lease_files
    from runtime.lakehouse.lease_holder import Holder
    from runtime.lakehouse.leases import Terms, leases

    right, behind = time.time, float(clock)
    time.time = lambda: right() + behind
    terms = Terms(float(lease), float(wait))
    files, holder = lease_files(lakehouse), Holder.now("score_customers", name)
    try:
        with leases(files, tables.split(","), holder, terms=terms) as held:
            print("held", *(held[table].number for table in tables.split(",")), flush=True)
            for line in sys.stdin:
                if line.strip() == "release":
                    break
                for table in tables.split(","):
                    try:
                        held[table].check()
                        print("may commit", flush=True)
                    except BusyError as error:
                        print(f"refused: {error}", flush=True)
        print("released", flush=True)
    except BusyError as error:
        print(f"busy: {error}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
