"""What a run of the engines gave, and the section of docs/platforms.md that is made from it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.reference.compare import BOUNDS, LEFT_OUT, RANKED, RELATIVE, Compared, told

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "platforms.md"
STORED = Path(__file__).with_name("results.json")
HEAD = "## All engines"
EQUAL, NOT_RUN = "equal", "not run"


@dataclass(frozen=True)
class EngineResult:
    """One engine. tables: `equal`, or what differs, by table. fault: why it gave no tables."""

    name: str
    about: str
    seconds: float | None
    tables: Mapping[str, str]
    fault: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether it ran and every table that it writes is equal."""
        return not self.fault and set(self.tables.values()) == {EQUAL}


@dataclass(frozen=True)
class Results:
    """rows: of each table of the first engine, which all others are compared with."""

    rows: Mapping[str, int]
    engines: Sequence[EngineResult]

    @property
    def is_green(self) -> bool:
        """Whether all engines ran and are equal."""
        return all(engine.is_equal for engine in self.engines)


def outcome(compared: Compared) -> str:
    """`equal`, or the differences in one line."""
    return EQUAL if compared.is_equal else told(compared).partition("DIFFERS")[2].strip()


def save(results: Results, path: Path = STORED) -> None:
    path.write_text(json.dumps(asdict(results), indent=1, sort_keys=True) + "\n")


def load(path: Path = STORED) -> Results:
    stored = json.loads(path.read_text())
    return Results(stored["rows"], [EngineResult(**engine) for engine in stored["engines"]])


def section(results: Results) -> str:
    """The section as Markdown. `make engines` writes it; nobody edits it."""
    reference, *others = results.engines
    lines = [
        HEAD,
        "",
        textwrap.fill(
            "`make engines` wrote this section from its last run. One small lake (300 "
            "customers) goes through ingest, features, training, lifetime models, scores and the "
            "retention plan on each engine. Each table is compared with that of "
            f"{reference.name}, row by row on its key: integers, decimals, texts, dates and times "
            f"exactly, doubles to {RELATIVE:g} relative.",
            width=120,
        ),
        "",
        "| engine | how it is started | seconds |",
        "| --- | --- | --- |",
        *(f"| {e.name} | {e.about} | {_seconds(e)} |" for e in results.engines),
        "",
        f"| table | rows | {' | '.join(e.name for e in others)} |",
        "| --- | --- |" + " --- |" * len(others),
        *(
            f"| {name} | {rows:,} | {' | '.join(_cell(e, name) for e in others)} |"
            for name, rows in sorted(results.rows.items())
        ),
        "",
        *_exceptions(),
    ]
    return "\n".join(lines) + "\n"


def _seconds(engine: EngineResult) -> str:
    return f"{engine.seconds:.0f}" if engine.seconds is not None else engine.fault or NOT_RUN


def _cell(engine: EngineResult, table: str) -> str:
    if engine.fault:
        return NOT_RUN if engine.fault.startswith(NOT_RUN) else "failed"
    text = engine.tables.get(table, "-").replace("|", "\\|")
    return "; ".join(line.strip() for line in text.splitlines())


def _exceptions() -> list[str]:
    """The columns that are not compared as they are, each with its reason."""
    return [
        "A `-` stands for a table that the engine does not write. Not compared as they are:",
        "",
        *(
            f"- `{name}.{column}` where {condition}: left out, {reason}"
            for (name, column, condition), reason in LEFT_OUT.items()
        ),
        *(f"- `{name}.{column}`: {reason}" for (name, column), reason in RANKED.items()),
        *(
            f"- `{name}.{column}`: up to {bound:g} relative, because {reason}"
            for (name, column), (bound, reason) in BOUNDS.items()
        ),
    ]


def with_section(page: str, text: str) -> str:
    """The page with the section replaced, or added at its end."""
    before, head, after = page.partition(f"{HEAD}\n")
    if not head:
        return f"{page.rstrip()}\n\n{text}"
    _, next_head, later = after.partition("\n## ")
    return f"{before}{text}" + (f"\n## {later}" if next_head else "")
