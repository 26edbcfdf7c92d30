"""Clock, CPU time and the page that the figures are written to."""

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
    """Best wall time of some repeats, and the last result."""
    best, result = float("inf"), None
    for _ in range(repeats):
        began = time.perf_counter()
        result = act()
        best = min(best, time.perf_counter() - began)
    return best, result


def cpu_seconds_of(pids: list[int]) -> float:
    """CPU seconds (user and system, ended children included) that processes have used so far."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(int(f) for f in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass
class Section:
    """One benchmark: what was compared, the figures, and what to reach."""

    title: str
    how: str
    header: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)

    def add(self, *cells: Any) -> None:
        self.rows.append(cells)
        print("  ", *cells, flush=True)

    def reach(self, what: str, found: float, bound: float, at_least: bool = True) -> None:
        """Record a goal and whether it was reached, as it falls."""
        is_reached = found >= bound if at_least else found <= bound
        sign = "≥" if at_least else "≤"
        word = "reached" if is_reached else "**not reached**"
        self.verdicts.append(f"{what}: {found:.3g} (goal {sign} {bound:g}): {word}")
        print("  ", self.verdicts[-1], flush=True)

    def markdown(self) -> str:
        lines = [f"## {self.title}", "", self.how, "", "| " + " | ".join(self.header) + " |"]
        lines.append("|" + "---|" * len(self.header))
        lines += ["| " + " | ".join(_cell(c) for c in row) + " |" for row in self.rows]
        return "\n".join([*lines, "", *[f"- {v}" for v in self.verdicts], ""])


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def machine() -> str:
    """What the figures depend on."""
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
    today = dt.datetime.now(dt.UTC).date()
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}; {versions}. Measured on {today}."
    )


def write(sections: dict[str, str]) -> None:
    """Replace the sections of RESULTS.md that were measured, keep the others."""
    kept: dict[str, str] = {}
    if RESULTS.exists():
        for part in RESULTS.read_text().split("\n## ")[1:]:
            title = part.splitlines()[0]
            kept[title] = "## " + part.rstrip() + "\n"
    kept.update(sections)
    head = (
        "# Measured figures\n\n`make bench` writes this page (`make bench ARGS=<name>` one "
        "section). Ratios are of one run on one machine;\nsingle absolute figures move with it.\n"
    )
    RESULTS.write_text("\n".join([head, *(kept[t] for t in kept)]))
