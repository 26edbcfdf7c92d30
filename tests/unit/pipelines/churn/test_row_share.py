"""Of more than training.max_rows rows, a share of the customers is trained on."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from pipelines.churn.row_share import share_of_customers, tell_share
from pipelines.churn.time_split import Schedule
from runtime.settings import load

DAYS = [dt.date(2017, month, 1) for month in (6, 7, 8, 9)]
LABELS = (
    "customer_id string, as_of date, horizon_days int, lead_days int, definition string, "
    "churned int"
)


@pytest.fixture
def context_of(frame):
    """A function: max_rows -> a context whose labels have 500 customers on each of four dates."""
    rows = [(f"c{n}", day, 30, 0, "inactivity", 0) for n in range(500) for day in DAYS]
    # Other horizons, leads, definitions and dates are no training rows.
    others = [
        ("c0", DAYS[0], 60, 0, "inactivity", 0),
        ("c0", DAYS[0], 30, 14, "inactivity", 0),
        ("c0", DAYS[0], 30, 0, "termination", 0),
        ("c0", dt.date(2016, 6, 1), 30, 0, "inactivity", 0),
    ]
    labels = frame(LABELS, rows + others)

    def make(most):
        said: list[str] = []
        context = SimpleNamespace(
            settings=load("demo", training={"max_rows": most}),
            read=lambda name: labels,
            progress=SimpleNamespace(say=said.append),
        )
        return context, said

    return make


PLAN = Schedule(tuple(DAYS[:2]), DAYS[2], DAYS[3])


@pytest.mark.parametrize(("most", "share"), [(1_000, 0.5), (2_000, 1.0), (9_000, 1.0)])
def test_the_share_follows_from_the_labels_of_the_plan(context_of, most, share):
    context, _ = context_of(most)
    assert share_of_customers(context, PLAN, 30) == share  # of 500 * 4 = 2,000 rows


def test_a_share_is_told_and_all_customers_are_not(context_of):
    context, said = context_of(1_000)
    tell_share(context, PLAN)
    assert said == [
        "      50.0 % of the customers are used, chosen by a hash of the id "
        "(training.max_rows = 1,000)"
    ]
    context, said = context_of(2_000)
    tell_share(context, PLAN)
    assert said == []
