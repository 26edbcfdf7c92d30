"""Seconds until a wrong argument is answered: `bin/holdfast` against `bin/spark-submit`."""

from __future__ import annotations

import os
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import Section, cost

ROOT = Path(__file__).parents[1]
MOST_SECONDS = 1.5
REPEATS = 3
# A setting with a typing error, and a source without a file.
CONF = {
    "typo": "churn: {primary_horizon_day: 30}\n",
    "nofile": "sources: {o: {table: transactions, format: csv, path: /nowhere, mapping: {}}}\n",
}
ARGUMENTS = (
    "score_customers --help",
    "score_customers --env nosuch",
    "score_customers --env typo",
    "score_customers --env nofile --as-of 01.01.2018",
    "plan_retention --env nofile --strategy best",
    "ingest --env nofile",
    "run_pipeline --env nosuch",
    "init nofile.csv",
)


def run(spark: Any, folder: Path) -> Section:
    """Measure each argument both ways. The session is not used: each run is a process."""
    section = Section(
        "Answers to wrong arguments",
        f"Seconds until `--help` or an error is printed, best of {REPEATS}. spark-submit starts a "
        "JVM before it looks at an argument.",
        ("arguments", "spark-submit, wall", "CPU", "holdfast, wall", "CPU"),
    )
    for name, text in CONF.items():
        (folder / f"{name}.yaml").write_text(text)
    slowest = 0.0
    for arguments in ARGUMENTS:
        job, *options = arguments.split()
        options += [] if "--help" in options else ["--conf-dir", str(folder)]
        submitted, _ = cost(
            partial(_ended, "bin/spark-submit", f"jobs/{job}.py", *options), REPEATS
        )
        own, _ = cost(partial(_ended, "bin/holdfast", job, *options), REPEATS)
        section.add(arguments, submitted.wall, submitted.cpu, own.wall, own.cpu)
        slowest = max(slowest, own.wall)
    section.reach("slowest of holdfast, wall", slowest, MOST_SECONDS, at_least=False)
    return section


def _ended(*command: str) -> None:
    environment = {**os.environ, "HOLDFAST_JIT": "quick"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True)
    assert done.returncode == (0 if "--help" in command else 2), done.stderr
