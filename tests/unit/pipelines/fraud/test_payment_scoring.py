"""Rows of gold.fraud_scores: only the asked days, with the windows of the days before."""

from __future__ import annotations

import datetime as dt

from contracts.gold_fraud import FRAUD_SCORES
from models.fraud.scoring import fraud_scores
from models.fraud.windows import states
from pipelines.fraud.payment_rows import micros
from pipelines.fraud.payment_scoring import REACH_DAYS, score_rows
from tests.unit.models.fraud.recount import DAY, START, in_arrival, payment
from tests.unit.models.fraud.small_model import history, small_model


def scored(payments, since):
    return score_rows(small_model(), payments, since=since, version="3", degraded_amount=1000)


def test_the_days_before_count_and_are_not_written():
    """The last 5 of 20 days are asked; their scores are those with the whole history."""
    payments = in_arrival(history()[0])
    rows = scored(payments, START + 15 * DAY)
    whole = fraud_scores(small_model(), payments, states(payments), degraded_amount=1000)
    expected = {i: s.score for i, s in zip(payments.payment_id, whole, strict=True)}

    assert {r["payment_id"] for r in rows} == {
        i
        for i, t in zip(payments.payment_id, payments.paid_at, strict=True)
        if t >= START + 15 * DAY
    }
    assert all(row["score"] == expected[row["payment_id"]] for row in rows)
    assert {row["paid_on"] for row in rows} == {dt.date(2025, 3, 16 + n) for n in range(5)}
    assert {row["model_version"] for row in rows} == {"3"}
    assert all(set(row) == set(FRAUD_SCORES.column_names) for row in rows)


def test_a_late_payment_has_no_version_and_no_score():
    rows = scored(in_arrival([payment(0, minute=3000), payment(1, minute=0)]), START)

    assert [(r["basis"], r["score"], r["model_version"]) for r in rows] == [
        ("model", rows[0]["score"], "3"),
        ("degraded", None, None),
    ]


def test_times_and_reach():
    """The history of 90 days, and a day of lateness on both sides."""
    assert micros(dt.date(2025, 3, 1)) == START
    assert REACH_DAYS == 92
