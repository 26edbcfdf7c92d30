"""When a row becomes visible."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import functions as F

from transforms.visibility import days_before, visible_from, with_each_as_of


def day(text):
    return dt.date.fromisoformat(text)


SEEN = [
    # (happened, known, first as_of at which it is visible)
    # Known when it happened: visible from the next midnight.
    ("2018-01-01 00:00:00", "2018-01-01 00:00:00", "2018-01-02"),
    ("2018-01-01 23:59:59.999999", "2018-01-01 23:59:59.999999", "2018-01-02"),
    # Known late: visible from the midnight after it became known.
    ("2018-01-01 10:00:00", "2018-01-05 00:00:00", "2018-01-06"),
    ("2018-01-01 10:00:00", "2018-01-04 23:59:59", "2018-01-05"),
    # Known in advance (a plan): not visible before it happened.
    ("2018-01-05 10:00:00", "2018-01-01 10:00:00", "2018-01-06"),
    # A leap day and the end of a year.
    ("2016-02-28 12:00:00", "2016-02-28 12:00:00", "2016-02-29"),
    ("2017-12-31 12:00:00", "2017-12-31 12:00:00", "2018-01-01"),
    # known_at is null: the time of the event counts.
    ("2018-01-01 10:00:00", None, "2018-01-02"),
    # Both times are null: never visible.
    (None, None, None),
]


def test_a_row_is_seen_once_it_has_happened_and_is_known(frame, tuples_of):
    rows = frame(
        "place int, at timestamp, known_at timestamp",
        [(n, happened, known) for n, (happened, known, _) in enumerate(SEEN)],
    )
    seen = tuples_of(rows.select("place", visible_from("at").alias("seen")))
    assert seen == [(n, expected and day(expected)) for n, (*_, expected) in enumerate(SEEN)]


def test_a_row_stands_once_for_each_as_of_that_sees_it(frame, tuples_of):
    rows = frame(
        "name string, visible_from date",
        [("early", "2018-01-01"), ("late", "2018-01-02"), ("never", "2018-01-09"), ("null", None)],
    )
    # Dates given twice and out of order count once.
    dates = [day("2018-01-03"), day("2018-01-01"), day("2018-01-02"), day("2018-01-03")]
    assert tuples_of(with_each_as_of(rows, dates), "name", "as_of") == [
        ("early", day("2018-01-01")),
        ("early", day("2018-01-02")),
        ("early", day("2018-01-03")),
        ("late", day("2018-01-02")),
        ("late", day("2018-01-03")),
    ]


def test_no_row_stays_no_row(frame, tuples_of):
    rows = frame("name string, visible_from date", [])
    assert tuples_of(with_each_as_of(rows, [day("2018-01-01")])) == []


def test_the_day_before_counts_one(frame, tuples_of):
    rows = frame(
        "as_of date, day date",
        [("2018-01-01", "2017-12-31"), ("2018-01-01", "2017-01-01"), ("2018-01-01", None)],
    )
    days = rows.select(F.col("day"), days_before("as_of", "day").alias("days"))
    assert tuples_of(days, "days") == [(None,), (1,), (365,)]
