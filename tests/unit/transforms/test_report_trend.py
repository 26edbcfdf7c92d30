"""The development over all dates, and what leaving means: small frames, sums on paper."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms import report_trend

BEFORE, AS_OF = dt.date(2017, 12, 2), dt.date(2018, 1, 1)


@pytest.mark.parametrize(("stake", "expected"), [("value_at_stake", 0.5 * 80 + 0.0), (None, None)])
def test_the_trend_of_scores_has_a_row_per_date(frame, rows_of, stake, expected):
    """Customer b owes money: a negative stake counts as 0."""
    scores = frame(
        "as_of date, customer_id string, churn_probability double, value_at_stake double",
        [(BEFORE, "a", 0.25, 8.0), (AS_OF, "a", 0.5, 80.0), (AS_OF, "b", 0.25, -8.0)],
    )
    before, now = rows_of(report_trend.score_trend(scores, stake))
    assert now == {"as_of": AS_OF, "scored": 2, "probability": 0.5 + 0.25, "at_risk": expected}
    assert (before["as_of"], before["scored"]) == (BEFORE, 1)


def test_the_trend_of_lifecycles_counts_each_state(frame, rows_of):
    cycles = ("active", "active", "silent", "lost", "prospect")
    segments = frame("as_of date, lifecycle string", [(AS_OF, cycle) for cycle in cycles])
    assert rows_of(report_trend.lifecycle_trend(segments)) == [
        {"as_of": AS_OF, "known": 5, "active": 2, "silent": 1, "lost": 1}
    ]


def test_observed_churn_is_that_of_the_active_and_silent(frame, rows_of):
    """On the day after which a customer counts as lost, 90 days of silence, they are silent."""
    recency = (("a", 90), ("b", 5), ("c", 91))
    transactions = frame(
        "customer_id string, as_of date, recency_days int", [(c, BEFORE, n) for c, n in recency]
    )
    labels = frame(
        "customer_id string, as_of date, churned int",
        [("a", BEFORE, 1), ("b", BEFORE, 0), ("c", BEFORE, 1), ("no features", BEFORE, 1)],
    )
    assert rows_of(report_trend.observed_churn(labels, transactions, 90)) == [
        {"as_of": BEFORE, "customers": 2, "churned": 1}
    ]


def test_gone_for_good_sums_over_the_scored_customers_with_a_survival_model(frame, rows_of):
    lifetime = frame(
        "customer_id string, p_leaves_30d double, p_leaves_90d double",
        [("a", 0.25, 0.5), ("b", 0.5, 0.75), ("lost", 0.9, 0.9), ("no model", None, None)],
    )
    scores = frame("customer_id string", [("a",), ("b",), ("no model",)])
    (sums,) = rows_of(report_trend.gone_for_good(lifetime, scores))
    assert sums == {"customers": 2, "gone_30d": 0.25 + 0.5, "gone_90d": 0.5 + 0.75}
    (nobody,) = rows_of(report_trend.gone_for_good(lifetime, scores.where("customer_id = 'z'")))
    assert nobody == {"customers": 0, "gone_30d": None, "gone_90d": None}


def test_values_are_summed_by_segment(frame, rows_of):
    """The next purchase of a is due on the day before the limit, that of b on the limit."""
    limit, soon = dt.date(2018, 1, 31), dt.date(2018, 1, 30)
    scores = frame(
        "customer_id string, clv_12m double, next_purchase_on date, overdue_percentile double",
        [
            ("a", 10.25, soon, 90.0),
            ("b", None, limit, 89.9),
            ("c", 7.0, None, None),
        ],
    )
    names = (("a", "Champions"), ("b", "Champions"), ("c", "At Risk"))
    segments = frame("customer_id string, segment string", list(names))
    other, best = rows_of(report_trend.value_by_segment(scores, segments, limit))
    assert best == {
        "segment": "Champions",
        "customers": 2,
        "valued": 1,
        "clv_12m": 10.25,
        "due": 1,
        "overdue": 1,
    }
    assert (other["clv_12m"], other["due"], other["overdue"]) == (7.0, None, None)


def test_reasons_are_counted_with_their_basis(frame, rows_of):
    scores = frame(
        "main_reason string, reason_basis string, churn_probability double",
        [("price", "named", 0.5), ("price", "named", 0.25), (None, "rule", 0.1)],
    )
    rows = rows_of(report_trend.reason_figures(scores), "main_reason", "customers", "probability")
    assert [tuple(r.values()) for r in rows] == [(None, 1, 0.1), ("price", 2, 0.5 + 0.25)]


def test_outcomes_count_the_scored_customers_with_a_label(frame, rows_of):
    scores = frame(
        "customer_id string, churn_prediction int", [("a", 1), ("b", 1), ("c", 0), ("new", 0)]
    )
    labels = frame("customer_id string, churned int", [("a", 1), ("b", 0), ("c", 0), ("z", 1)])
    rows = rows_of(report_trend.prediction_outcomes(scores, labels))
    assert [tuple(r.values()) for r in rows] == [(0, 0, 1), (1, 0, 1), (1, 1, 1)]


def test_the_last_purchase_is_before_as_of(frame, rows_of):
    """A purchase at 00:00 of as_of belongs to the next date."""
    last, next_one = dt.datetime(2017, 12, 31, 23, 59, 30), dt.datetime(2018, 1, 1)
    transactions = frame("purchased_at timestamp", [(last,), (next_one,)])
    log = frame("known_at timestamp", [(dt.datetime(2018, 1, 2),), (dt.datetime(2018, 1, 1),)])
    (times,) = rows_of(report_trend.last_times(transactions, log, AS_OF))
    assert times == {"last_purchase_at": "2017-12-31 23:59", "loaded_at": "2018-01-02 00:00"}
    (nothing,) = rows_of(report_trend.last_times(transactions.limit(0), log.limit(0), AS_OF))
    assert set(nothing.values()) == {None}
