"""A micro-batch that ends at any fault point, with or without its checkpoint, changes nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pipelines.streams import live_tables, micro_batch
from tests.unit.pipelines.streams.event_lake import Stream, event, stored, tables

pytestmark = pytest.mark.duckdb_only
POINTS = (
    *("before_batch", "before_silver", "after_silver", "after_quarantine", "after_days"),
    *("after_engagement", "after_outbox", "before_log", "after_log"),
)
FIRST = [event(1, "2026-01-09T12:00:00Z", minutes=1.5), event(2, "2026-01-09T13:00:00Z")]
SECOND = [
    event(3, "2026-01-10T12:00:00Z", "feature_use", feature="search"),
    event(2, "2026-01-09T13:00:00Z"),
    event(4, "2026-01-09T12:00:00Z", customer="c2"),  # an hour behind
    "{no json",
]
LAST = [event(5, "2026-01-10T12:01:00Z"), event(3, "2026-01-10T12:00:00Z", "lunch")]


class KilledError(BaseException):
    """Ends a micro-batch as a killed process does: no handler of Exception sees it."""


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The tables of a run that was not interrupted."""
    root = tmp_path_factory.mktemp("whole")
    stream = Stream(root, watermark_minutes=30)
    for number, events in enumerate((FIRST, SECOND, LAST)):
        stream.apply(number, events)
    rows = tables(root)
    assert all(rows.values())
    return rows


def test_the_points_are_those_of_the_code():
    named = []
    for module in (micro_batch, live_tables):
        for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "fault_point":
                named.append(ast.literal_eval(node.args[0]))
    assert sorted(named) == sorted(POINTS)


# Each takes 20 s, most of which sqlframe spends on plans: `make test` runs two of them, with some and
# with all tables written. test_micro_batch.py repeats a batch whose log was written.
CASES = [("after_days", False), ("after_engagement", True)]
LONG = [(p, lost) for p in POINTS for lost in (False, True) if (p, lost) not in CASES]


@pytest.mark.parametrize(
    ("point", "is_checkpoint_lost"),
    [*CASES, *[pytest.param(*case, marks=pytest.mark.acceptance) for case in LONG]],
)
def test_after_a_kill_at_a_fault_point_the_tables_equal_a_whole_run(
    tmp_path, expected, monkeypatch, point, is_checkpoint_lost
):
    stream = Stream(tmp_path, watermark_minutes=30)
    stream.apply(0, FIRST)

    def kill(name):
        if name == point:
            raise KilledError

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        for module in (micro_batch, live_tables):
            patch.setattr(module, "fault_point", kill)
        stream.apply(1, SECOND)

    stream = stream.restarted("22222222" if is_checkpoint_lost else "11111111")
    if is_checkpoint_lost:
        stream.apply(0, [*FIRST, *SECOND])
    else:
        assert (stream.apply(1, SECOND) is None) == (point == "after_log")
    stream.apply(2, LAST)

    assert tables(tmp_path) == expected
    log = stored(tmp_path, "bronze.stream_log", ())
    assert len({r["batch_id"] for r in log}) == len(log)
    if not is_checkpoint_lost:
        assert [r["number"] for r in sorted(log, key=lambda r: r["number"])] == [0, 1, 2]
        assert sum(r["rows_kept"] for r in log) == len(stored(tmp_path, "silver.engagement_events"))
