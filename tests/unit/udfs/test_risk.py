"""Risk bands, confidence, and the churn rule."""

from __future__ import annotations

import math
import random

import pytest

from tests.unit.udfs.conftest import INF, NAN, assert_same, known, random_rows, values
from udfs.formula import FormulaError
from udfs.risk import confidence_score, high_risk_churn, risk_level

# product.md §7
FOUR_BANDS = [
    {"level": "CRITICAL", "above": 0.8},
    {"level": "HIGH", "above": 0.6},
    {"level": "MEDIUM", "above": 0.4},
    {"level": "LOW"},
]
THREE_BANDS = [
    {"level": "high", "above": 0.7},
    {"level": "medium", "above": 0.35},
    {"level": "low"},
]
CHURN_RULE = high_risk_churn(recency_days_above=60, engagement_below=0.3, support_tickets_above=5)


def test_four_bands_at_their_bounds(session):
    rows = {
        (1,): "CRITICAL",
        (math.nextafter(0.8, 1),): "CRITICAL",
        (0.8,): "HIGH",  # not above 0.8
        (math.nextafter(0.6, 1),): "HIGH",
        (0.6,): "MEDIUM",
        (math.nextafter(0.4, 1),): "MEDIUM",
        (0.4,): "LOW",
        (0,): "LOW",
        (None,): None,
        (NAN,): None,
        (INF,): None,
    }
    assert values(session, risk_level(FOUR_BANDS), list(rows)) == list(rows.values())


def test_three_bands_at_their_bounds(session):
    rows = {(0.71,): "high", (0.7,): "medium", (0.36,): "medium", (0.35,): "low", (None,): None}
    assert values(session, risk_level(THREE_BANDS), list(rows)) == list(rows.values())


def test_one_band_is_a_scheme_too(session):
    assert values(session, risk_level([{"level": "ANY"}]), [(0.9,), (None,)]) == ["ANY", None]


def test_risk_rises_with_the_probability(session):
    draw = random.Random(5)
    rows = [(p,) for p in sorted(draw.random() for _ in range(60))]
    order = ["LOW", "MEDIUM", "HIGH", "CRITICAL"]
    ranks = [order.index(level) for level in values(session, risk_level(FOUR_BANDS), rows)]
    assert ranks == sorted(ranks)
    assert set(ranks) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    "bands, said",
    [
        (
            [{"level": "LOW", "above": 0.4}, {"level": "HIGH", "above": 0.6}, {"level": "x"}],
            "conf risk.schemes: bounds must decrease and levels must be unique, got [0.4, 0.6] for "
            "['LOW', 'HIGH', 'x']. List the bands from the highest down. The last has no bound.",
        ),
        (
            [{"level": "LOW", "above": 0.4}, {"level": "LOW"}],
            "conf risk.schemes: bounds must decrease and levels must be unique, got [0.4] for "
            "['LOW', 'LOW']. List the bands from the highest down. The last has no bound.",
        ),
        (
            [],
            "conf risk.schemes: bounds must decrease and levels must be unique, got [] for []. "
            "List the bands from the highest down. The last has no bound.",
        ),
        (
            [{"level": "HIGH"}, {"level": "LOW"}],
            "conf risk.schemes, band 1 of 2: missing ['above'], unknown []. "
            "Give exactly: level, above.",
        ),
        (
            [{"level": "HIGH", "above": 0.5}],
            "conf risk.schemes, band 1 of 1: missing [], unknown ['above']. Give exactly: level.",
        ),
        (
            [{"level": "HIGH", "above": "0.5"}, {"level": "LOW"}],
            "conf risk.schemes, band 1 of 2: must be a finite number, got '0.5'. Set a number.",
        ),
    ],
)
def test_invalid_bands_are_refused(bands, said):
    with pytest.raises(FormulaError) as caught:
        risk_level(bands)
    assert str(caught.value) == said


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
