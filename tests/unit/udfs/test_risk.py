"""Confidence, and the churn rule."""

from __future__ import annotations

from tests.unit.udfs.conftest import INF, NAN, assert_same, known, random_rows, values
from udfs.risk import confidence_score, high_risk_churn

CHURN_RULE = high_risk_churn(recency_days_above=60, engagement_below=0.3, support_tickets_above=5)


def test_confidence_is_twice_the_distance_from_one_half(session):
    rows = {
        (0.5,): 0.0,
        (0,): 1.0,
        (1,): 1.0,
        (0.25,): 0.5,
        (0.75,): 0.5,
        (None,): None,
        (NAN,): None,
    }
    assert values(session, confidence_score, list(rows)) == list(rows.values())


def test_confidence_against_plain_python(session):
    rows = random_rows(width=1, low=0, high=1, count=60)
    expected = [None if p is None else abs(p - 0.5) * 2 for (p,) in map(known, rows)]
    assert_same(values(session, confidence_score, rows), expected)


def test_the_churn_rule_needs_all_three_conditions(session):
    rows = {
        (61, 0.29, 6): True,
        (60, 0.29, 6): False,
        (61, 0.3, 6): False,
        (61, 0.29, 5): False,
        # The rule does not fire if an input is null.
        (None, 0.29, 6): False,
        (61, None, 6): False,
        (61, 0.29, None): False,
        (None, None, None): False,
        (INF, 0.29, 6): False,
        (61, -INF, 6): False,
        (61, 0.29, NAN): False,
    }
    assert values(session, CHURN_RULE, list(rows)) == list(rows.values())


def test_the_churn_rule_against_plain_python(session):
    rows = [
        (days, None if score is None else score / 10, tickets)
        for days in (30, 90)
        for score, tickets in random_rows(2, 0, 10)
    ]
    expected = [
        None not in (score, tickets) and days > 60 and score < 0.3 and tickets > 5
        for days, score, tickets in map(known, rows)
    ]
    assert sum(expected) > 5
    assert values(session, CHURN_RULE, rows) == expected
