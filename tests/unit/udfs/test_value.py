"""Order value and revenue trend, against hand-made rows and plain Python."""

from __future__ import annotations

import math
import random

import pytest
from pyspark.sql import functions as F

from udfs.value import avg_order_value, revenue_trend

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


def test_avg_order_value(session):
    rows = {
        (100, 4): 25.0,
        (-30, 2): -15.0,  # more returned than bought
        (10, 0): 10.0,  # greatest(0, 1) orders
        (0, 0): 0.0,
        (100, None): None,  # unknown, not one order: GREATEST would skip the null
        (None, 4): None,
        (NAN, 4): None,
        (100, INF): None,
    }
    assert values(session, avg_order_value, list(rows)) == list(rows.values())


def test_avg_order_value_against_plain_python(session):
    rows = random_rows(width=2, low=-50, high=500)
    expected = [None if None in (a, b) else a / max(b, 1) for a, b in map(known, rows)]
    assert_same(values(session, avg_order_value, rows), expected)


def test_avg_order_value_scales_with_the_currency(session):
    rows = [row for row in random_rows(2, 0, 500, count=40) if row[0] is None or abs(row[0]) < 1e9]
    cents = [(None if revenue is None else 100 * revenue, orders) for revenue, orders in rows]
    hundredfold = [None if v is None else 100 * v for v in values(session, avg_order_value, rows)]
    assert_same(values(session, avg_order_value, cents), hundredfold)


def test_revenue_trend(session):
    rows = {
        (50, 100): -0.5,  # (50 - 100) / 100
        (100, 50): 1.0,
        (50, 0): 50.0,  # / greatest(0, 1)
        (50, 0.5): 49.5,
        (0, -20): 20.0,  # (0 + 20) / greatest(-20, 1)
        (0, 0): 0.0,
        (None, 100): None,
        (50, None): None,
        (1e308, -1e308): None,  # the difference overflows
        (INF, 1): None,
        (1, NAN): None,
    }
    assert values(session, revenue_trend, list(rows)) == list(rows.values())


def test_revenue_trend_against_plain_python(session):
    rows = random_rows(width=2, low=-50, high=500, seed=2)
    expected = [
        None if None in (now, before) else (now - before) / max(before, 1)
        for now, before in map(known, rows)
    ]
    assert_same(values(session, revenue_trend, rows), expected)
