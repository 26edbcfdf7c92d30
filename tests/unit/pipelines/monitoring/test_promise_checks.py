"""Rows and alerts of promised and measured effects."""

from __future__ import annotations

import datetime as dt

import pytest

from pipelines.monitoring.promise_checks import promise_alerts, promise_rows

FIRST = dt.date(2018, 1, 3)


def sums(week, treated, bought, segment="all", promised=0.05):
    """Both arms of a campaign; of 2,000 held out 1,000 bought."""
    day = FIRST + dt.timedelta(weeks=week)
    general = {"campaign_id": f"plan-{week}", "offer_id": "ten", "segment": segment}
    general |= {"first_on": day, "known_on": day + dt.timedelta(days=30)}
    arms = [(False, treated, bought), (True, 2_000, 1_000)]
    return [
        {**general, "is_held_out": h, "customers": n, "y": float(y), "promised": n * promised}
        for h, n, y in arms
    ]


def test_a_kept_promise_has_a_row_and_no_alert(context):
    made = context({})
    [row] = promise_rows(made, sums(0, 20_000, 11_000))
    assert {k: row[k] for k in ("campaign_id", "offer_id", "segment", "month")} == {
        "campaign_id": "plan-0",
        "offer_id": "ten",
        "segment": "all",
        "month": "2018-01",
    }
    assert (row["treated"], row["held_out"]) == (20_000, 2_000)
    assert row["promised_value"] == pytest.approx(0.05)
    assert row["measured_value"] == pytest.approx(0.05)
    assert row["is_kept"] is True
    assert promise_alerts(made, [row]) == []


def test_a_promise_that_is_not_kept_alerts_with_the_figures(context):
    made = context({})
    many = [row for week in range(6) for row in sums(week, 20_000, 10_000)]  # no effect at all
    rows = promise_rows(made, many)
    [alert] = promise_alerts(made, rows)
    assert (alert.about, alert.severity, rows[-1]["is_kept"]) == ("ten", "critical", False)
    assert "0.0% measured" in alert.message and "campaign plan-5" in alert.message


def test_a_campaign_without_a_control_group_has_no_measurement(context):
    [row] = promise_rows(context({}), sums(0, 20_000, 11_000)[:1])
    assert (row["held_out"], row["measured_value"], row["is_kept"]) == (0, None, None)


def test_segments_have_rows_but_no_alerts(context):
    made = context({})
    many = [r for week in range(6) for r in sums(week, 20_000, 10_000, segment="Champions")]
    rows = promise_rows(made, many)
    assert rows[-1]["is_kept"] is False
    assert promise_alerts(made, rows) == []
