"""Which campaigns teach, choose and test: no outcome of one is known before the next begins."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from pipelines.offers.uplift_campaigns import campaign_splits
from runtime import settings
from runtime.errors import ModelGateError

FIRST = dt.date(2025, 1, 1)


def splits(session, *after):
    """By days after the first campaign; a horizon is 30 days."""
    context = SimpleNamespace(settings=settings.load("demo"), as_of=dt.date(2026, 1, 1))
    days = [(FIRST + dt.timedelta(n),) for n in after]
    found = campaign_splits(context, session.createDataFrame(days, "as_of date"))
    return {(day - FIRST).days: split for day, split in found.items()}


def test_campaigns_45_days_apart_train_but_for_the_last_two(session):
    assert splits(session, 0, 45, 90, 135) == {
        0: "train",
        45: "train",
        90: "validation",
        135: "test",
    }


def test_a_campaign_whose_horizon_the_next_part_begins_in_is_in_no_part_before_it(session):
    assert splits(session, 0, 29, 30, 31, 60, 61, 62, 91) == {
        0: "train",
        # Ended by the 61st day, on which the learner is chosen; those after it by day 91.
        29: "train",
        30: "train",
        31: "train",
        60: "later",
        61: "validation",
        62: "later",
        91: "test",
    }


@pytest.mark.parametrize("after", [(0, 1, 2), (0, 29, 59), (0, 30)])
def test_days_within_one_horizon_are_no_three_campaigns(session, after):
    with pytest.raises(ModelGateError) as raised:
        splits(session, *after)
    assert str(raised.value) == (
        f"silver.campaign_contacts: {len(after)} randomised campaigns lie 30 days before "
        "2026-01-01; uplift needs three that lie 30 days apart (train, choose, test). Run "
        "experiments first; until then decide_offers uses its rules."
    )
