"""Splits of campaign days: the outcomes of each split are known before the next split begins."""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType, SimpleNamespace

import pytest

from contracts.features import FEATURE_TABLES
from pipelines.offers import uplift_campaigns
from pipelines.offers.uplift_campaigns import (
    campaign_splits,
    own_campaigns,
    own_splits,
    past_campaigns,
)
from runtime import settings
from runtime.errors import ModelGateError

FIRST = dt.date(2025, 1, 1)


def splits(session, *after):
    """The split by days after the first campaign. The horizon is 30 days."""
    context = SimpleNamespace(settings=settings.load("demo"), as_of=dt.date(2026, 1, 1))
    days = [(FIRST + dt.timedelta(n),) for n in after]
    split_of = campaign_splits(context, session.createDataFrame(days, "as_of date"))
    return {(day - FIRST).days: split for day, split in split_of.items()}


def test_of_campaigns_45_days_apart_all_but_the_last_two_train(session):
    assert splits(session, 0, 45, 90, 135) == {
        0: "train",
        45: "train",
        90: "validation",
        135: "test",
    }


def test_a_campaign_whose_horizon_overlaps_the_next_split_is_later(session):
    assert splits(session, 0, 29, 30, 31, 60, 61, 62, 91) == {
        0: "train",
        # Ended by day 61, when the learner is chosen. Days 60 and 62 ended by day 91.
        29: "train",
        30: "train",
        31: "train",
        60: "later",
        61: "validation",
        62: "later",
        91: "test",
    }


@pytest.mark.parametrize("after", [(0, 1, 2), (0, 29, 59), (0, 30)])
def test_days_within_one_horizon_are_not_three_campaigns(session, after):
    with pytest.raises(ModelGateError) as raised:
        splits(session, *after)
    assert str(raised.value) == (
        f"silver.campaign_contacts: {len(after)} randomised campaigns are at least 30 days before "
        "2026-01-01. Uplift needs three such campaigns with 30 days between them: for training, "
        "validation and test. Run experiments first. Until then decide_offers uses its rules."
    )


AS_OF = dt.date(2026, 1, 1)
# An outcome is known after the lead of 14 days and the horizon of 30 days.
WAIT = 30 + 14


@pytest.fixture
def with_tables():
    """A function that makes a context from tables by name. `warned` has the warnings."""

    def make(tables=MappingProxyType({})):
        warned = []
        return SimpleNamespace(
            settings=settings.load("demo", churn={"lead_days": 14}),
            as_of=AS_OF,
            has=tables.__contains__,
            read=tables.__getitem__,
            progress=SimpleNamespace(warn=warned.append),
            warned=warned,
        )

    return make


def days_before(*numbers):
    return [AS_OF - dt.timedelta(days=n) for n in numbers]


def test_a_campaign_is_used_from_the_day_on_which_its_horizon_ended(frame, with_tables):
    days = days_before(WAIT + 1, WAIT, WAIT - 1, 1)
    contacts = [
        {
            "customer_id": f"c{n}",
            "contacted_at": f"{day} 10:00:00",
            "offer_id": "discount_10",
            "is_randomised": True,
            "is_treated": True,
        }
        for n, day in enumerate(days)
    ]
    context = with_tables({"silver.campaign_contacts": frame("silver.campaign_contacts", contacts)})
    assert past_campaigns(context) == days[:2]
    assert past_campaigns(with_tables()) == []


def test_the_test_campaign_is_the_last_one_whose_horizon_ended(session, with_tables):
    past = days_before(4 * WAIT, 3 * WAIT, 2 * WAIT, WAIT)
    near = days_before(WAIT - 1, 7)
    contacts = session.createDataFrame([(day,) for day in [*past, *near]], "as_of date")
    parts = ("train", "train", "validation", "test")
    assert campaign_splits(with_tables(), contacts) == dict(zip(past, parts, strict=True))


def test_plans_and_triggers_are_used_once_their_horizon_ended(session, with_tables, monkeypatch):
    days = days_before(WAIT + 1, WAIT, WAIT - 1)
    contacts = session.createDataFrame([(day,) for day in days], "as_of date")
    monkeypatch.setattr(uplift_campaigns, "own_contacts_of", lambda context: contacts)
    assert own_campaigns(with_tables()) == days[:2]


def test_plans_and_triggers_train_if_their_horizon_ended_by_the_validation_day(
    session, with_tables
):
    """The validation day is 200 days before as_of."""
    in_train = days_before(200 + WAIT + 1, 200 + WAIT)
    later = days_before(200 + WAIT - 1, 200, 150, WAIT)
    too_near = days_before(WAIT - 1, 3)
    without_features = days_before(300)
    own = [(day,) for day in [*in_train, *later, *too_near, *without_features]]
    built = [(day, "c1", 30) for day in [*in_train, *later, *too_near]]
    labels = session.createDataFrame(built, "as_of date, customer_id string, horizon_days int")
    context = with_tables(dict.fromkeys((*FEATURE_TABLES, "features.labels"), labels))
    campaigns = dict(zip(days_before(400, 200, 60), ("train", "validation", "test"), strict=True))

    assert own_splits(context, session.createDataFrame(own, "as_of date"), campaigns) == {
        **dict.fromkeys(in_train, "train"),
        **dict.fromkeys(later, "later"),
    }
    (warning,) = context.warned
    assert warning == (
        "1 day of plans and triggers: no features and labels, so not used. Run "
        f"`spark-submit jobs/build_features.py --env demo --as-of {without_features[0]}` to "
        "include it."
    )
