"""Which policy a plan follows: the greatest value that fits, and it is said where that may be 0."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from jobs import estimate_uplift
from jobs.deciding import policies
from jobs.runtime import settings
from jobs.runtime.offers import load_offers
from jobs.runtime.progress import Progress

OFFERS = {"winback_survey": load_offers()["winback_survey"]}


class Said(Progress):
    """What a run told its user."""

    def __init__(self):
        super().__init__(is_quiet=True)
        self.lines = []

    def say(self, line=""):
        self.lines.append(line.strip())


@pytest.fixture
def context():
    budget = {"customers_share": 1.0, "money": None}
    conf = settings.load("demo", decisions={"budget": budget})
    return SimpleNamespace(settings=conf, as_of=dt.date(2026, 1, 1), progress=Said())


def campaign(left_of_sent, left_of_held):
    """100 customers worth 100, half of them sent the survey, by how many of either side left."""
    arm = np.repeat([1, 0], 50)
    churned = np.concatenate([np.arange(50) < left_of_sent, np.arange(50) < left_of_held]).astype(
        float
    )
    return pd.DataFrame(
        {"arm": arm, "churned": churned, "value": 100.0, "e_0": 0.5, "e_1": 0.5}
    ).assign(rule_offer=None)


def compared(context, left_of_sent, left_of_held):
    sample = campaign(left_of_sent, left_of_held)
    effects, risks = np.full((100, 1), 0.1), np.full((100, 2), 0.5)
    found = policies.compared(context, sample, effects, risks, OFFERS)
    estimate_uplift.tell_policies(context, found)
    (chosen,) = (r for r in found if r["is_chosen"])
    return chosen, next(line for line in context.progress.lines if ", followed" in line)


def test_the_greatest_value_is_followed_and_said_where_it_may_be_nothing(context):
    """25 of 50 sent left, 27 of 50 held out: 4 of 100 kept, worth 4 each of 100, less 1 of cost."""
    chosen, said = compared(context, 25, 27)
    assert chosen["policy"] == "uplift"
    assert chosen["value_a_customer"] == pytest.approx(100 * 0.04 - 1)
    assert chosen["ci_low"] < 0 < chosen["ci_high"]
    assert said.endswith(", followed, not proven to beat sending nothing")


def test_an_interval_above_0_is_followed_without_a_word(context):
    chosen, said = compared(context, 5, 45)
    assert chosen["policy"] == "uplift" and chosen["ci_low"] > 0
    assert said.endswith(", followed")


def test_what_loses_money_is_not_followed(context):
    chosen, said = compared(context, 25, 25)
    assert chosen["policy"] == "treat_none"
    assert said.endswith(", followed")
