"""Wall time, CPU time, and the report RESULTS.md."""

from __future__ import annotations

import datetime as dt
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("RESULTS.md")


def seconds(act: Callable[[], Any], repeats: int = 1) -> tuple[float, Any]:
    """Shortest wall time of the repeats, and the last result."""
    best, result = float("inf"), None
    for _ in range(repeats):
        began = time.perf_counter()
        result = act()
        best = min(best, time.perf_counter() - began)
    return best, result


@dataclass(frozen=True)
class Cost:
    """Wall seconds, and CPU seconds of this process, its JVM and their workers."""

    wall: float
    cpu: float

    def __truediv__(self, other: Cost) -> Cost:
        return Cost(self.wall / other.wall, self.cpu / other.cpu)


def cost(act: Callable[[], Any], repeats: int = 1) -> tuple[Cost, Any]:
    """Smallest wall and CPU seconds of the repeats, and the last result.

    CPU seconds are more reliable when other processes run on the machine.
    """
    walls, cpus, result = [], [], None
    for _ in range(repeats):
        began, used = time.perf_counter(), cpu_seconds()
        result = act()
        walls.append(time.perf_counter() - began)
        cpus.append(cpu_seconds() - used)
    return Cost(min(walls), min(cpus)), result


def cpu_seconds() -> float:
    """CPU seconds so far of this process and its descendants, including those that have ended."""
    return cpu_seconds_of(family(os.getpid()))


def cpu_seconds_of(pids: list[int]) -> float:
    """CPU seconds of some processes so far: user and system, including ended children."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # has ended: its parent counts its seconds
            continue
        ticks += sum(int(f) for f in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """The ids of a process and its descendants. Each of its threads may have children."""
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children += map(int, task.read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [pid, *[d for child in children for d in family(child)]]


@dataclass
class Section:
    """One section of the report: description, figures, and goals."""

    title: str
    how: str
    header: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)

    def add(self, *cells: Any) -> None:
        self.rows.append(cells)
        print("  ", *cells, flush=True)

    def reach(self, what: str, measured: float, bound: float, at_least: bool = True) -> None:
        """Record and print a goal, its measured value, and whether it was reached."""
        is_reached = measured >= bound if at_least else measured <= bound
        sign = "≥" if at_least else "≤"
        word = "reached" if is_reached else "**not reached**"
        self.verdicts.append(f"{what}: {measured:.3g} (goal {sign} {bound:g}): {word}")
        print("  ", self.verdicts[-1], flush=True)

    def reach_both(self, what: str, measured: Cost, bound: float, at_least: bool = True) -> None:
        """Record the same goal for wall and for CPU seconds."""
        self.reach(f"{what}, wall", measured.wall, bound, at_least)
        self.reach(f"{what}, CPU", measured.cpu, bound, at_least)

    def markdown(self) -> str:
        today = dt.datetime.now(dt.UTC).date()
        how = f"{self.how} Measured on {today}."
        lines = [f"## {self.title}", "", how, "", "| " + " | ".join(self.header) + " |"]
        lines.append("|" + "---|" * len(self.header))
        lines += ["| " + " | ".join(_cell(c) for c in row) + " |" for row in self.rows]
        return "\n".join([*lines, "", *[f"- {v}" for v in self.verdicts], ""])


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def machine() -> str:
    """The machine and the versions that the figures depend on."""
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) / 2**20
    names = (
        "pyspark",
        "delta-spark",
        "duckdb",
        "sqlframe",
        "xgboost-cpu",
        "shap",
        "numba",
        "pandas",
    )
    versions = ", ".join(f"{n} {metadata.version(n)}" for n in names)
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}; {versions}."
    )


def write(section: Section) -> None:
    """Write the section to RESULTS.md. It replaces the section with its title; others are kept."""
    kept: dict[str, str] = {}
    if RESULTS.exists():
        for part in RESULTS.read_text().split("\n## ")[1:]:
            kept[part.splitlines()[0]] = "## " + part.rstrip() + "\n"
    kept["Machine"] = f"## Machine\n\n{machine()}\n"
    kept[section.title] = section.markdown()
    head = (
        "# Measured figures\n\n`make bench` writes this page (`make bench ARGS=<name>`: one "
        "section). Ratios compare times of the same run on the\nsame machine. Absolute figures "
        "depend on the machine.\n"
    )
    RESULTS.write_text("\n".join([head, *kept.values()]))
