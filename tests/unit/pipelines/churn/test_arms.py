"""Arms of an A/B test of models: each customer is in one arm, and the planned shares."""

from __future__ import annotations

import datetime as dt

import pytest

from pipelines.churn.arms import Arm
from pipelines.churn.champion_challenger import planned_shares
from runtime.model_registry import CHALLENGER, CHAMPION
from udfs.shares import is_in_share

IDS = [f"c{n}" for n in range(500)]
EXPERIMENT = "churn-v1-v2"


@pytest.fixture
def customers(frame):
    return frame("customer_id string", [(i,) for i in IDS])


def of_arm(rows_of, customers, name, experiment_id=EXPERIMENT, share=0.3):
    arm = Arm(name, None, {}, {}, experiment_id, share)
    return {r["customer_id"] for r in rows_of(arm.customers(customers))}


def test_the_hash_decides_the_arm_and_every_customer_is_in_one(customers, rows_of):
    challenged = of_arm(rows_of, customers, CHALLENGER)
    assert challenged == {i for i in IDS if is_in_share(0.3, EXPERIMENT, i)}
    assert of_arm(rows_of, customers, CHAMPION) == set(IDS) - challenged


def test_without_an_experiment_the_champion_scores_every_customer(customers, rows_of):
    assert of_arm(rows_of, customers, CHAMPION, experiment_id="", share=0.0) == set(IDS)


def test_the_planned_shares_are_those_of_the_last_date():
    first, last = dt.date(2018, 1, 1), dt.date(2018, 2, 1)
    rows = [
        {"experiment_id": "e", "arm": arm, "as_of": day, "share": share}
        for day, shares in ((last, (0.7, 0.3)), (first, (0.9, 0.1)))
        for arm, share in zip((CHAMPION, CHALLENGER), shares, strict=True)
    ]
    assert planned_shares(rows) == {"e": {CHAMPION: 0.7, CHALLENGER: 0.3}}
