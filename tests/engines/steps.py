"""The program that every engine runs: commands one after the other, in one session.

python steps.py FOLDER: FOLDER has steps.json and conf/engines.yaml. Only the package is importable
here, not the tests: on a cluster it comes from --py-files.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path

ENV = "engines"


def main(folder: Path) -> None:
    """Print when each step starts and how long it took."""
    for step in json.loads((folder / "steps.json").read_text()):
        began = time.perf_counter()
        print(f"== start {step['job']}", flush=True)
        command = importlib.import_module(f"jobs.{step['job']}").command
        command(env=ENV, conf_dir=str(folder / "conf"), **step["options"])
        print(f"== end {step['job']} {time.perf_counter() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
