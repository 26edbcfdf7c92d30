"""Performance over frames in memory: which date is estimated, which is realised."""

from __future__ import annotations

import datetime as dt

import pytest

from pipelines.monitoring.performance import performance, performance_alerts
from tests.unit.pipelines.monitoring.conftest import DAY

# Labels of 30 days and 7 of waiting have matured; 10 days have passed since the newer scores.
MATURED, NEWER = DAY - dt.timedelta(days=37), DAY - dt.timedelta(days=10)
CUSTOMERS = 200


def score(number, as_of):
    """The first half has .2, the second .8."""
    probability = 0.2 if number < CUSTOMERS / 2 else 0.8
    return {
        **{"customer_id": f"c{number:03}", "as_of": as_of, "churn_probability": probability},
    }


def segment(number, as_of):
    return {
        **{"customer_id": f"c{number:03}", "as_of": as_of, "lifecycle": "active"},
        **{"recency_days": 5, "frequency": 4},
    }


def purchase(number, day):
    moment = f"{day} 00:00:00"
    return {"customer_id": f"c{number:03}", "purchased_at": moment, "amount": 1}


def lake(returned_since):
    """80 of the first half and 20 of the second returned after MATURED, half of them within 10
    days. returned_since: numbers of the customers who bought on the day of NEWER."""
    returners = [*range(80), *range(100, 120)]
    early = MATURED + dt.timedelta(days=2)
    late = MATURED + dt.timedelta(days=20)
    bought = [purchase(n, early if n % 2 else late) for n in returners]
    each = [(n, day) for n in range(CUSTOMERS) for day in (MATURED, NEWER)]
    return {
        "gold.customer_scores": [score(*pair) for pair in each],
        "gold.customer_segments": [segment(*pair) for pair in each],
        "silver.transactions": bought + [purchase(n, NEWER) for n in returned_since],
    }


def test_a_matured_date_is_realised(context):
    rows = performance(context(lake([])), None)
    realised = {r["metric"]: r for r in rows if r["basis"] == "realised"}
    assert {r["scored_on"] for r in realised.values()} == {MATURED}
    # Churned: 20 of 100 with .2, 80 of 100 with .8.
    # Pairs: 80 * (80 + 20 / 2) + 20 * (80 / 2) = 8,000 of 100 * 100.
    assert realised["roc_auc"]["value"] == pytest.approx(0.8)
    assert realised["churn_rate"]["value"] == pytest.approx(0.5)
    assert realised["churn_rate"]["reference_value"] == pytest.approx(0.5)
    # 20 * .64 + 80 * .04 twice, of 200
    assert realised["brier"]["value"] == pytest.approx(32 / 200)
    assert realised["roc_auc"]["verdict"] == (
        "cannot be told: no value of the training run is known"
    )


def test_a_newer_date_is_estimated(context):
    # As expected, half of the returners are back: 40 of the first half and 10 of the second.
    rows = performance(context(lake([*range(40), *range(100, 110)])), None)
    estimated = {r["metric"]: r for r in rows if r["basis"] == "estimated"}
    assert {r["scored_on"] for r in estimated.values()} == {NEWER}
    # w = .2 / .6 and .8 / .9 of 60 and 90 customers: 20 and 80 leave.
    assert estimated["churn_rate"]["value"] == pytest.approx(0.5)
    assert estimated["roc_auc"]["value"] == pytest.approx(0.8)
    assert estimated["churn_rate"]["verdict"] == "not judged"


def test_returns_that_contradict_the_scores_alert(context):
    # The second half returns instead of the first.
    made = context(lake(range(120, 170)))
    rows = performance(made, None)
    told = {r["verdict"] for r in rows if r["basis"] == "estimated"}
    assert told == {
        "cannot be told: the customers who returned so far contradict the model's probabilities"
    }
    [alert] = performance_alerts(made, rows)
    assert alert.message == (
        "The customers who bought since 2018-02-19 contradict the churn probabilities of that date, "
        "so the performance of the model cannot be told."
    )


def test_a_fall_alerts_with_the_figures(context):
    row = {"scored_on": MATURED, "basis": "realised", "metric": "roc_auc", "value": 0.7}
    row |= {"ci_low": 0.69, "ci_high": 0.71, "reference_value": 0.8, "verdict": "fallen"}
    [alert] = performance_alerts(context({}), [row])
    assert alert.message == (
        "realised roc_auc of the scores of 2018-01-23 is 0.700 (0.690 to 0.710); it was 0.800 on "
        "the test date (monitoring.relative_fall 0.05)."
    )


def test_without_scores_there_are_no_figures(context):
    assert performance(context({}), None) == []
