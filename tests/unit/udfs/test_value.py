"""Order value and revenue trend, compared with manual calculations and plain Python."""

from __future__ import annotations

from tests.unit.udfs.conftest import INF, NAN, assert_same, known, random_rows, values
from udfs.value import avg_order_value, revenue_trend


def test_avg_order_value(session):
    rows = {
        (100, 4): 25.0,
        (-30, 2): -15.0,  # more returns than purchases
        (10, 0): 10.0,  # greatest(0, 1) orders
        (0, 0): 0.0,
        (100, None): None,  # unknown, not one order: GREATEST skips the null
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
