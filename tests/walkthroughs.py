"""The commands of docs/walkthroughs and the output that the pages show."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "walkthroughs").glob("*.md"))
_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^>]*) -->\n)?```sh\n(?P<commands>.*?)```(?:\n\n```text\n(?P<shown>.*?)```)?",
    re.DOTALL,
)


@dataclass(frozen=True)
class Step:
    """One command. mark: `set-up`, `takes minutes` or "". shown: lines of its output on the page."""

    command: str
    mark: str
    shown: tuple[str, ...]


def steps(page: Path) -> list[Step]:
    """The commands of a page in their order. A block has one command per line."""
    listed = []
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        commands = block["commands"].strip().splitlines()
        shown = tuple((block["shown"] or "").splitlines())
        for command in commands:
            is_last = command == commands[-1]
            listed.append(Step(command, block["mark"] or "", shown if is_last else ()))
    return listed


def run(step: Step, folder: Path, conf: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the project as its checkout would, in `folder`, with the files of `conf`."""
    program, *given = shlex.split(step.command)
    if program == "bin/holdfast":
        words = [sys.executable, "-m", f"jobs.{given[0]}", *given[1:], "--conf-dir", str(conf)]
    elif program == "bin/with-env" and given[0] == "python":
        words = [sys.executable, str(ROOT / given[1]), *given[2:]]
    else:
        raise ValueError(f"{step.command}: no test can run this")
    return subprocess.run(
        words,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
