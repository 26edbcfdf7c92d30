"""The rows of one as_of, or of several."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms.slices import at_date, at_dates

FIRST, SECOND, THIRD = (dt.date(2018, 1, day) for day in (1, 2, 3))


@pytest.fixture
def rows(frame):
    return frame("customer_id string, as_of date", [("a", FIRST), ("b", SECOND), ("c", THIRD)])


def test_the_rows_of_one_day(rows, tuples_of):
    assert tuples_of(at_date(rows, SECOND)) == [("b", SECOND)]
    assert tuples_of(at_date(rows, dt.date(2018, 1, 4))) == []


def test_the_rows_of_several_days(rows, tuples_of):
    assert tuples_of(at_dates(rows, [THIRD, FIRST])) == [("a", FIRST), ("c", THIRD)]
