"""Identity of a run: its id, its code version, and the table versions that it read."""

from __future__ import annotations

import json
import subprocess
import uuid
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path

# Ends the version of a checkout with changed files.
CHANGED = "+"


@cache
def code_version() -> str:
    """Git commit of the checkout, with + if files were changed; else the installed version."""
    folder = Path(__file__).resolve().parents[1]
    try:
        if (folder / ".git").exists():
            commit = _git(folder, "rev-parse", "--short=12", "HEAD")
            return commit + (CHANGED if _git(folder, "status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.SubprocessError):
        pass
    try:
        return metadata.version("holdfast")
    except metadata.PackageNotFoundError:
        return "unknown"


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()


@dataclass
class RunInfo:
    """One run of a job. `inputs` collects the Delta version of each table that is read."""

    job: str
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    inputs: dict[str, int] = field(default_factory=dict)

    def commit_message(self, lease: int | None = None) -> str:
        """The text that every write stores in Delta's commit metadata.

        lease: the fencing number of the table's lease. It grows with each holder.
        """
        facts: dict[str, object] = {
            "job": self.job,
            "run_id": self.run_id,
            "code": code_version(),
            "inputs": self.inputs,
        }
        if lease is not None:
            facts["lease"] = lease
        return json.dumps(facts, sort_keys=True)
