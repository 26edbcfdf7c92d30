"""Freshness and volume of sources: which values alert, and what the alert says."""

from __future__ import annotations

import datetime as dt
import math

import pytest
from scipy import stats

from pipelines.monitoring.source_health import health_rows, source_alerts, volume_change
from tests.unit.pipelines.monitoring.conftest import DAY


def counts(last_days_ago, windows, first_days_ago=365):
    return {
        "last_on": DAY - dt.timedelta(days=last_days_ago),
        "first_on": DAY - dt.timedelta(days=first_days_ago),
        **{f"window_{i}": n for i, n in enumerate(windows)},
        "rows": sum(windows),
    }


STEADY = [1000, 990, 1010, 1000, 1005, 995, 1000, 1010, 990]


def test_the_p_value_of_a_further_window_by_hand():
    # log1p of 99 is log(100) in all earlier windows, so the deviation is that of Poisson: .1.
    ratio, p_value = volume_change(199, [99] * 4)
    statistic = math.log(2) / (0.1 * math.sqrt(1 + 1 / 4))
    assert ratio == pytest.approx(199 / 99)
    assert p_value == pytest.approx(2 * stats.t.sf(statistic, 3))


@pytest.mark.parametrize("earlier", [[], [10] * 3, [0] * 8])
def test_without_history_the_volume_is_not_compared(earlier):
    assert volume_change(5, earlier) == (None, None)


def test_a_steady_source_does_not_alert(context):
    rows = health_rows(context({}), {"silver.transactions": counts(1, STEADY)})
    assert [(r["statistic"], r["value"], r["is_alert"]) for r in rows] == [
        ("freshness_days", 1.0, False),
        ("volume_ratio", 1.0, False),  # 1000 / mean of the eight before
    ]


def test_an_old_and_a_shrunken_source_alert(context):
    made = context({})
    halved = [300, *STEADY[1:]]
    rows = health_rows(
        made,
        {
            "silver.reviews": {**counts(8, STEADY), "window_0": 1000},
            "silver.transactions": counts(1, halved),
        },
    )
    assert [a.message for a in source_alerts(made, rows)] == [
        "silver.reviews: the newest row is 8 days old (monitoring.freshness_days 7).",
        "silver.transactions: the last 7 days have 0.30 times the usual rows "
        "(monitoring.volume_ratio_below 0.5).",
    ]


def test_an_empty_source_alerts(context):
    made = context({})
    empty = {**counts(1, [0] * 9), "last_on": None, "first_on": None}
    alerts = source_alerts(made, health_rows(made, {"silver.reviews": empty}))
    assert [a.message for a in alerts] == ["silver.reviews has no row before 2018-03-01."]


def test_windows_before_the_first_event_do_not_count(context):
    # 35 days of data: windows 1 to 4 are complete.
    young = counts(1, [1000, 1000, 1000, 1000, 1000, 0, 0, 0, 0], first_days_ago=35)
    rows = health_rows(context({}), {"silver.reviews": young})
    assert rows[1]["value"] == 1.0
