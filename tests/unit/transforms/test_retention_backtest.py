"""The past day on which strategies are judged needs scores with a value, and labels."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms.retention_backtest import last_judged_day

SCORES = "as_of date, customer_id string, value_at_stake double"
LABELS = "as_of date, customer_id string, horizon_days int"
LATEST = dt.date(2018, 1, 10)


def day(number):
    return dt.date(2018, 1, number)


@pytest.mark.parametrize(
    ("scored", "labelled", "expected"),
    [
        # The later of two days that have both.
        ([(3, 5.0), (7, 5.0)], [(3, 30), (7, 30)], 7),
        # Day 7 has scores without a value only.
        ([(3, 5.0), (7, None)], [(3, 30), (7, 30)], 3),
        # Day 7 has labels of another horizon only.
        ([(3, 5.0), (7, 5.0)], [(3, 30), (7, 60)], 3),
        # The latest day itself counts, the day after it does not.
        ([(10, 5.0), (11, 5.0)], [(10, 30), (11, 30)], 10),
        ([(3, 5.0)], [(7, 30)], None),
        ([], [], None),
    ],
)
def test_the_last_day_with_scores_and_labels(frame, tuples_of, scored, labelled, expected):
    scores = frame(SCORES, [(day(n), "a", value) for n, value in scored])
    labels = frame(LABELS, [(day(n), "a", horizon) for n, horizon in labelled])
    judged = last_judged_day(scores, labels, LATEST, horizon_days=30)
    assert tuples_of(judged) == [(expected and day(expected),)]
