"""Freshness and volume of a source."""

from __future__ import annotations

import datetime as dt

from transforms.source_volume import window_counts

AS_OF = dt.date(2026, 1, 15)


def counts(lines):
    counted = window_counts(lines, "purchased_at", as_of=AS_OF, window_days=7, windows=2)
    return counted.toArrow().to_pylist()[0]


def test_events_by_window(frame):
    days = [
        "2026-01-14 23:59:59",  # the day before as_of: window 0
        "2026-01-08 00:00:00",  # 7 days before: the first moment of window 0
        "2026-01-07 23:59:59",  # window 1
        "2025-12-25 00:00:00",  # 21 days before: the first moment of window 2
        "2025-12-24 23:59:59",  # before all windows
        "2026-01-15 00:00:00",  # at as_of: not visible
    ]
    lines = frame("silver.transactions", [{"purchased_at": day} for day in days])
    assert counts(lines) == {
        "last_on": dt.date(2026, 1, 14),
        "first_on": dt.date(2025, 12, 24),
        "window_0": 2,
        "window_1": 1,
        "window_2": 1,
        "rows": 5,
    }


def test_rows_that_arrived_later_do_not_count(frame):
    lines = frame(
        "silver.transactions", [{"purchased_at": "2026-01-10", "known_at": "2026-01-15 00:00:00"}]
    )
    assert counts(lines)["rows"] == 0


def test_without_events_the_days_are_null(frame):
    counted = counts(frame("silver.transactions", []))
    assert (counted["last_on"], counted["first_on"], counted["window_0"]) == (None, None, 0)
