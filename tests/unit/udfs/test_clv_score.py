"""The CLV score, compared with manual calculations and plain Python."""

from __future__ import annotations

import pytest

from tests.unit.udfs.conftest import INF, NAN, assert_same, known, random_rows, values
from udfs.formula import FormulaError
from udfs.value import clv_score

# product.md §4
CLV = {
    "lifetime_factor": 1.2,
    "lifetime_cap_months": 60,
    "frequency_factor": 2,
    "frequency_cap": 3,
    "value_tiers": [
        {"above": 500, "multiplier": 1.5},
        {"above": 200, "multiplier": 1.2},
        {"below": 50, "multiplier": 0.8},
    ],
}


def test_clv_by_hand(session):
    rows = {
        # revenue, months, purchases per day, order value -> monthly x lifetime x frequency x tier
        (1200, 10, 0.1, 100): 120 * 12 * 0.2 * 1,
        (6000, 60, 2, 600): 100 * 60 * 3 * 1.5,  # lifetime 72 -> 60, frequency 4 -> 3
        (500, 50, 1.5, 100): 10 * 60 * 3 * 1,  # both are exactly at their cap
        (1000, 10, 0.5, 500): 100 * 12 * 1 * 1.2,  # 500 is not above 500
        (1000, 10, 0.5, 500.01): 100 * 12 * 1 * 1.5,
        (1000, 10, 0.5, 200): 100 * 12 * 1 * 1,  # 200 is not above 200
        (1000, 10, 0.5, 200.01): 100 * 12 * 1 * 1.2,
        (1000, 10, 0.5, 50): 100 * 12 * 1 * 1,  # 50 is not below 50
        (1000, 10, 0.5, 49.99): 100 * 12 * 1 * 0.8,
        (1000, 10, 0, 100): 0.0,  # no purchase in 30 days
        (-100, 10, 0.5, -10): -10 * 12 * 1 * 0.8,
        (30, 0, 0.1, 30): 0.0,  # no full month yet
        (None, 0, None, None): 0.0,
        (30, None, 0.1, 30): None,
        (None, 10, 0.1, 30): None,
        (30, 10, None, 30): None,
        (30, 10, 0.1, None): None,
        (30, NAN, 0.1, 30): None,
        (INF, 10, 0, 30): None,
        (1e308, 1, 1.5, 600): None,  # overflows
    }
    got = values(session, clv_score(CLV), list(rows))
    assert_same(got, list(rows.values()))


def python_clv(row):
    revenue, months, frequency, order = known(row)
    if months is not None and months <= 0:
        return 0.0
    if None in (revenue, months, frequency, order):
        return None
    tier = 1.5 if order > 500 else 1.2 if order > 200 else 0.8 if order < 50 else 1.0
    return revenue / months * min(1.2 * months, 60) * min(2 * frequency, 3) * tier


def test_clv_against_plain_python(session):
    # Scale months, purchases per day and order value to realistic ranges.
    rows = [
        (a, None if b is None else b / 10, None if c is None else c / 400, d)
        for a, b, c, d in random_rows(width=4, low=-10, high=900, count=200)
    ]
    expected = [python_clv(row) for row in rows]
    assert len({v for v in expected if v}) > 20  # enough rows that are neither null nor zero
    assert_same(values(session, clv_score(CLV), rows), expected)


def test_every_constant_of_clv_comes_from_conf(session):
    constants = {
        "lifetime_factor": 2,
        "lifetime_cap_months": 10,
        "frequency_factor": 5,
        "frequency_cap": 1,
        "value_tiers": [{"below": 10, "multiplier": 7}],
    }
    rows = {
        (8, 4, 0.1, 9): 2 * 8 * 0.5 * 7,  # 8 / 4, 2 * 4, 5 * .1
        (8, 8, 0.3, 10): 1 * 10 * 1 * 1,  # both capped, no tier
    }
    assert values(session, clv_score(constants), list(rows)) == list(rows.values())
    no_tiers = clv_score(constants | {"value_tiers": []})
    assert values(session, no_tiers, [(8, 4, 0.1, 9), (8, 4, 0.1, None)]) == [2 * 8 * 0.5, None]


def test_constants_are_refused_by_name():
    with pytest.raises(FormulaError) as caught:
        clv_score({key: value for key, value in CLV.items() if key != "frequency_cap"} | {"cap": 3})
    assert str(caught.value) == (
        "conf clv_score: missing ['frequency_cap'], unknown ['cap']. Give exactly: "
        "lifetime_factor, lifetime_cap_months, frequency_factor, frequency_cap, value_tiers."
    )
    with pytest.raises(FormulaError) as caught:
        clv_score(CLV | {"value_tiers": [{"above": 500, "below": 900, "multiplier": 2}]})
    assert str(caught.value) == (
        "conf clv_score.value_tiers[0]: must have multiplier and either above or below, got "
        "['above', 'below', 'multiplier']. Write {above: 500, multiplier: 1.5}."
    )
    with pytest.raises(
        FormulaError, match=r"^conf clv_score.lifetime_factor: must be a number > 0"
    ):
        clv_score(CLV | {"lifetime_factor": 0})
