"""spark-submit of the acceptance test: notes each call, and kills the first one of some commands.

HOME/calls.jsonl gets one line per call. HOME/kill.json names, per command, a pattern of Delta logs
below the lakehouse: the first call is killed with all its processes as soon as another file matches.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HOME = Path(os.environ["HOLDFAST_TEST_HOME"])
CALLS = HOME / "calls.jsonl"


def calls() -> list[list[str]]:
    """The arguments of the calls so far."""
    return [json.loads(line) for line in CALLS.read_text().splitlines()] if CALLS.exists() else []


def main() -> int:
    words = sys.argv[1:]
    job = Path(words[0]).stem
    again = any(Path(before[0]).stem == job for before in calls())
    with CALLS.open("a") as file:
        file.write(json.dumps(words) + "\n")
    kills = json.loads((HOME / "kill.json").read_text()) if (HOME / "kill.json").exists() else {}
    command = [os.environ["HOLDFAST_TEST_SUBMIT"], *words]
    if again or job not in kills:
        return subprocess.run(command, check=False).returncode
    place, pattern = kills[job]
    before = len(list(Path(place).glob(pattern)))
    started = subprocess.Popen(command, start_new_session=True)
    while started.poll() is None:
        if len(list(Path(place).glob(pattern))) > before:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()
            print(f"killed {job}", flush=True)
            return 137
        time.sleep(0.01)
    return started.returncode


if __name__ == "__main__":
    raise SystemExit(main())
