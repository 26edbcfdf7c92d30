"""What identifies a run: its id, the code it ran, and the table versions it read."""

from __future__ import annotations

import json
import subprocess
import uuid
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path


@cache
def code_version() -> str:
    """The git commit of a checkout (with + when it was changed), else the installed version."""
    folder = Path(__file__).resolve().parents[1]
    try:
        if (folder / ".git").exists():
            commit = _git(folder, "rev-parse", "--short=12", "HEAD")
            return commit + ("+" if _git(folder, "status", "--porcelain", "-uno") else "")
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
    """One run of a job. `inputs` fills as tables are read: name -> Delta version."""

    job: str
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    inputs: dict[str, int] = field(default_factory=dict)

    def commit_message(self) -> str:
        """Goes into Delta's commit metadata of every write."""
        facts = {
            "job": self.job,
            "run_id": self.run_id,
            "code": code_version(),
            "inputs": self.inputs,
        }
        return json.dumps(facts, sort_keys=True)
