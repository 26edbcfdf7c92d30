"""The CLV score, against hand-made rows and plain Python."""

from __future__ import annotations

import math
import random

import pytest
from pyspark.sql import functions as F

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
NAN, INF = math.nan, math.inf
ODD = (None, 0.0, -0.0, 1.0, -1.0, NAN, INF, -INF, 1e308, -1e308, 5e-324)


def random_rows(width, low, high, count=120, seed=20180101):
    """Rows of doubles: two in three even between low and high, the rest null, zero, NaN or huge."""
    draw = random.Random(seed)
    return [
        tuple(
            draw.choice(ODD) if draw.random() < 1 / 3 else draw.uniform(low, high)
            for _ in range(width)
        )
        for _ in range(count)
    ]


def known(row):
    """A row as a formula sees it: what is no finite number is unknown."""
    return [None if v is None or not math.isfinite(v) else v for v in row]


def assert_same(got, expected):
    """Equal to the last digits; never NaN or infinite."""
    assert len(got) == len(expected)
    for n, (left, right) in enumerate(zip(got, expected, strict=True)):
        right = None if right is not None and not math.isfinite(right) else right
        assert (left is None) == (right is None), (n, left, right)
        assert left is None or left == pytest.approx(right, rel=1e-12, abs=1e-300), (n, left, right)


def values(session, formula, rows):
    """The formula's value for each row of arguments, in the order of the rows."""
    # Doubles go in as text: sqlframe writes NaN as a FLOAT, and 0.4 beside it loses its digits.
    is_double = [sql_type == "DOUBLE" for _, sql_type in formula.parameters]
    schema = [f"{name} {'STRING' if t == 'DOUBLE' else t}" for name, t in formula.parameters]
    texts = [
        (
            n,
            *(
                str(float(v)) if d and v is not None else v
                for v, d in zip(row, is_double, strict=True)
            ),
        )
        for n, row in enumerate(rows)
    ]
    typed = [F.expr(f"CAST({name} AS {t})").alias(name) for name, t in formula.parameters]
    frame = session.createDataFrame(texts, ", ".join(["n INT", *schema])).select("n", *typed)
    column = formula(**{name: name for name, _ in formula.parameters}).alias("value")
    return [row["value"] for row in frame.select("n", column).orderBy("n").collect()]


def test_clv_by_hand(session):
    rows = {
        # revenue, months, purchases a day, order value -> monthly x lifetime x frequency x tier
        (1200, 10, 0.1, 100): 120 * 12 * 0.2 * 1,
        (6000, 60, 2, 600): 100 * 60 * 3 * 1.5,  # lifetime 72 -> 60, frequency 4 -> 3
        (500, 50, 1.5, 100): 10 * 60 * 3 * 1,  # both exactly at their cap
        (1000, 10, 0.5, 500): 100 * 12 * 1 * 1.2,  # 500 is not above 500
        (1000, 10, 0.5, 500.01): 100 * 12 * 1 * 1.5,
        (1000, 10, 0.5, 200): 100 * 12 * 1 * 1,  # nor 200 above 200
        (1000, 10, 0.5, 200.01): 100 * 12 * 1 * 1.2,
        (1000, 10, 0.5, 50): 100 * 12 * 1 * 1,  # nor 50 below 50
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
    # Months, purchases a day and order value on their own scales.
    rows = [
        (a, None if b is None else b / 10, None if c is None else c / 400, d)
        for a, b, c, d in random_rows(width=4, low=-10, high=900, count=200)
    ]
    expected = [python_clv(row) for row in rows]
    assert len({v for v in expected if v}) > 20  # enough rows that are no null and no zero
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
        "conf clv_score.value_tiers[0]: must have multiplier and one of above, below, got "
        "['above', 'below', 'multiplier']. Write {above: 500, multiplier: 1.5}."
    )
    with pytest.raises(
        FormulaError, match=r"^conf clv_score.lifetime_factor: must be a number > 0"
    ):
        clv_score(CLV | {"lifetime_factor": 0})
