"""Recency, tenure, frequency and lifecycle, compared with manual counts and plain Python."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta

import pytest

from tests.unit.udfs.conftest import values
from udfs.behavior import lifecycle, purchase_frequency, recency_days, tenure_days, tenure_months
from udfs.formula import FormulaError

AS_OF = date(2018, 1, 1)


def test_recency_counts_days_from_the_last_purchase_day(session):
    rows = {
        # last purchase, as_of -> days
        (date(2017, 12, 31), AS_OF): 1,
        (date(2017, 12, 2), AS_OF): 30,  # 29 remaining days of December + 1
        (date(2017, 12, 1), AS_OF): 31,
        (date(2017, 1, 1), AS_OF): 365,
        (date(2016, 2, 28), date(2016, 3, 1)): 2,  # a leap year
        (None, AS_OF): None,
        # A purchase on or after as_of is not known at as_of, so recency is never below 1.
        (AS_OF, AS_OF): None,
        (date(2018, 1, 2), AS_OF): None,
    }
    assert values(session, recency_days, list(rows)) == list(rows.values())


def test_the_time_of_day_does_not_change_recency(session):
    frame = session.createDataFrame([("2017-12-31 23:59:59",)], "at string")
    late = recency_days(last_purchase_on="CAST(at AS TIMESTAMP)", as_of="DATE '2018-01-01'")
    assert [r["days"] for r in frame.select(late.alias("days")).collect()] == [1]


def test_tenure_months_are_whole(session):
    rows = {
        # signup, first purchase, as_of -> months
        (date(2017, 1, 15), date(2016, 12, 1), date(2017, 4, 14)): 2,  # one day short of three
        (date(2017, 1, 15), None, date(2017, 4, 15)): 3,
        (None, date(2017, 3, 20), date(2017, 4, 1)): 0,
        (date(2017, 1, 31), None, date(2017, 2, 28)): 1,  # month end to month end
        (date(2017, 1, 30), None, date(2017, 2, 27)): 0,
        (date(2016, 2, 29), None, date(2017, 2, 28)): 12,
        (date(2012, 1, 1), None, AS_OF): 72,  # 6 * 12
        (None, None, AS_OF): None,
        # A signup on or after as_of is not known yet; the first purchase is used if known.
        (AS_OF, None, AS_OF): None,
        (date(2018, 5, 1), date(2017, 11, 1), AS_OF): 2,
        (date(2018, 5, 1), date(2018, 5, 1), AS_OF): None,
    }
    assert values(session, tenure_months, list(rows)) == list(rows.values())


def test_tenure_days(session):
    rows = {
        (date(2017, 12, 31), date(2017, 1, 1), AS_OF): 1,
        (None, date(2017, 1, 1), AS_OF): 365,
        (None, None, AS_OF): None,
        (AS_OF, AS_OF, AS_OF): None,
    }
    assert values(session, tenure_days, list(rows)) == list(rows.values())


def test_tenure_months_on_random_days(session):
    draw = random.Random(7)
    rows = []
    for _ in range(120):
        signup = date(2015, 1, 1) + timedelta(days=draw.randrange(1500))
        rows.append((signup, None, signup + timedelta(days=draw.randrange(1, 1200))))
    assert values(session, tenure_months, rows) == [
        whole_months(start, end) for start, _, end in rows
    ]


def whole_months(start: date, end: date) -> int:
    months = (end.year - start.year) * 12 + end.month - start.month
    both_last = (start + timedelta(days=1)).day == 1 and (end + timedelta(days=1)).day == 1
    return months if end.day >= start.day or both_last else months - 1


def test_purchase_frequency_is_purchases_per_day(session):
    rows = {
        (3, 30): 3 / 30,
        (0, 30): 0.0,
        (9, 90): 9 / 90,
        (1, 0.5): 2.0,
        (None, 30): None,
        (3, None): None,
        (3, 0): None,  # division by zero fails in ANSI mode
        (math.nan, 30): None,
        (math.inf, 30): None,
        (3, math.inf): None,
    }
    assert values(session, purchase_frequency, list(rows)) == list(rows.values())


def test_lifecycle_at_its_bounds(session):
    rows = {
        # recency_days, is_terminated -> lifecycle
        (1, False): "active",
        (30, False): "active",
        (31, False): "silent",
        (90, None): "silent",  # no source of terminations
        (91, False): "lost",
        (5000, False): "lost",
        (None, False): "prospect",
        (None, None): "prospect",
        (math.nan, False): "prospect",
        (5, True): "terminated",
        (400, True): "terminated",
        (None, True): "terminated",
    }
    formula = lifecycle(active_days=30, silent_days=90)
    assert values(session, formula, list(rows)) == list(rows.values())


def test_the_bounds_of_lifecycle_come_from_conf(session):
    formula = lifecycle(active_days=7, silent_days=14)
    rows = [(7, None), (8, None), (14, None), (15, None)]
    assert values(session, formula, rows) == ["active", "silent", "silent", "lost"]


@pytest.mark.parametrize("active, silent", [(90, 30), (30, 30), (0, 30)])
def test_bounds_out_of_order_are_refused(active, silent):
    with pytest.raises(FormulaError) as caught:
        lifecycle(active_days=active, silent_days=silent)
    assert str(caught.value) == (
        "conf lifecycle: 1 <= active_days < silent_days must hold, got "
        f"{active} and {silent}. Set whole numbers of days in that order."
    )
