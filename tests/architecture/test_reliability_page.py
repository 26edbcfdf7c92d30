"""docs/reliability.md names tests that exist, commands that run them, and every fault point."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from tests.architecture.packages import SHIPPED

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows(section, columns):
    """The cells of each row of the tables of a section that have so many columns."""
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if len(row) == columns and row[0] not in ("promise", "command")]


PROMISES, _, KILLS = PAGE.partition("\n## Kills\n")
BY_COMMAND = {row[0].strip("`"): row[1:] for row in rows(KILLS, 3)}


@cache
def marks_of(path):
    """name: the set of is_acceptance of its cases, of each test of a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    marked = [
        "acceptance" in ast.unparse(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
    ]
    marks = {}
    for node in (n for n in tree.body if isinstance(n, ast.FunctionDef)):
        decorators = [ast.unparse(d) for d in node.decorator_list]
        if any(marked) or "pytest.mark.acceptance" in decorators:
            marks[node.name] = {True}
        else:  # a mark within parametrize is that of some cases
            marks[node.name] = {False, any("mark.acceptance" in d for d in decorators)}
    return marks


def test_each_test_that_the_page_names_exists():
    named = TEST.findall(PAGE)
    files = set(re.findall(r"tests/[\w/]+\.py", PAGE))

    assert {path for path, _ in named} == files
    assert [path for path in files if not (ROOT / path).is_file()] == []
    assert [f"{p}::{name}" for p, name in named if name not in marks_of(p)] == []


def test_each_promise_has_a_test_and_the_commands_that_run_it():
    promises = rows(PROMISES, 4)
    assert len(promises) > 40
    for promise, tests, _, commands in promises:
        is_long = {mark for path, name in TEST.findall(tests) for mark in marks_of(path)[name]}
        if is_long:
            targets = {True: "`make acceptance`", False: "`make test`"}
            assert commands == ", ".join(targets[m] for m in sorted(is_long)), promise
        else:
            assert tests in ("no test", "the same test") or "](#kills)" in tests, promise


def fault_points():
    """command or module: the points of its code, by the calls of fault_point."""
    points = {}
    for path in (p for package in SHIPPED for p in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "fault_point":
                points.setdefault(path.stem, []).append(ast.literal_eval(node.args[0]))
    return points


# The modules of each command in which a fault point stands.
MODULES = {
    "stream_events": {"micro_batch", "live_tables"},
    "fetch_sources": {"source_fetch", "landing"},
    "trigger_engagement": {"engagement_triggers"},
    "deliver_outbox": {"outbox_delivery", "delivery"},
    "erase_customer": {"customer_erasure", "erasing"},
}


def test_the_page_has_every_fault_point_of_the_code():
    of_code = fault_points()
    assert set(of_code) == set().union(*MODULES.values())
    on_page = {command: re.findall(r"`(\w+)`", cells[0]) for command, cells in BY_COMMAND.items()}

    assert {command: sorted(points) for command, points in on_page.items()} == {
        command: sorted(point for module in modules for point in of_code[module])
        for command, modules in MODULES.items()
    }
    assert [command for command, (_, tests) in BY_COMMAND.items() if not TEST.search(tests)] == []
