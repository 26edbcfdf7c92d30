"""Whether a learner is better than rfm_logistic on several test dates, and than chance."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.metrics import Estimate
from pipelines.churn import rolling
from pipelines.churn.evaluation import Evaluated
from pipelines.churn.rolling import lack_of_signal, mean_gains, proven, told
from pipelines.churn.time_split import Schedule
from runtime.settings import load

TEST = dt.date(2017, 12, 2)
DAYS = tuple(TEST - dt.timedelta(days=30 * n) for n in (5, 4, 3, 2, 1))


def test_date(own, rfm, label=(1, 1, 0, 0), recent=(1, 1, 1, 1)):
    """Four customers of one date."""
    rows = pd.DataFrame({"customer_id": list("abcd"), "churned": label, "purchases_90d": recent})
    return Evaluated("test", rows, {"xgboost": np.array(own), "rfm_logistic": np.array(rfm)}, {})


test_date.__test__ = False
RIGHT, HALF = (0.9, 0.8, 0.2, 0.1), (0.9, 0.2, 0.8, 0.1)  # 4 and 3 of the 4 pairs


def test_the_gain_is_the_mean_over_the_dates():
    gains = mean_gains([test_date(RIGHT, HALF), test_date(HALF, HALF)], "xgboost", 50)
    assert gains["roc_auc"].value == pytest.approx((1 / 4 + 0) / 2)


def test_only_customers_who_are_scored_count():
    """Without c, who bought nothing for 90 days, a and b rank above d with both models."""
    gains = mean_gains([test_date(RIGHT, HALF, recent=(1, 1, 0, 1))], "xgboost", 50)
    assert gains["roc_auc"].value == 0


def test_a_date_without_scored_customers_has_no_gain():
    nobody = test_date(RIGHT, HALF, recent=(0, 0, 0, 0))
    assert mean_gains([nobody], "xgboost", 50)["roc_auc"] == Estimate(None)


# --- the learner that may become champion --------------------------------------------------------

CUSTOMERS = [f"c{n}" for n in range(400)]
LABEL = np.tile([0.0, 1.0], 200)


def noisy(seed, noise):
    return LABEL + np.random.default_rng(seed).normal(0, noise, len(LABEL))


@pytest.fixture
def choose(monkeypatch):
    """A function: noise of each learner's scores, by name -> (the learner, its rows, the log)."""

    def chosen(rolling_dates=3, **noises):
        said: list[str] = []
        settings = load("demo", training={"rolling_dates": rolling_dates})
        context = SimpleNamespace(
            settings=settings, progress=SimpleNamespace(say=said.append), spark=None
        )
        fits = SimpleNamespace(
            data=SimpleNamespace(context=context, plan=Schedule(DAYS[:-1], DAYS[-1], TEST)),
            data_on=lambda day: None if day < DAYS[2] else "data",
        )
        learners = {name: SimpleNamespace(name=name) for name in (*noises, "rfm_logistic")}
        rows = pd.DataFrame({"customer_id": CUSTOMERS, "churned": LABEL, "purchases_90d": 1})

        def evaluated(seed):
            scores = {n: noisy(seed + place, s) for place, (n, s) in enumerate(noises.items())}
            return Evaluated("test", rows, {**scores, "rfm_logistic": noisy(seed + 9, 1.0)}, {})

        monkeypatch.setattr(
            rolling, "tests_of", lambda *_, days: [evaluated(100 * n) for n, _ in enumerate(days)]
        )
        others = [learners[name] for name in noises]
        best, rows = proven(
            fits, others[0], others, evaluated=evaluated(7), rfm=learners["rfm_logistic"]
        )
        return best.name, rows, said

    return chosen


def test_a_learner_that_is_better_beyond_chance_stays(choose):
    name, rows, said = choose(xgboost=0.5)
    assert name == "xgboost"
    # The mean, and the two dates before the test date on which a model can be tested.
    assert {(r["metric"], r.get("test_on")) for r in rows if r["metric"].startswith("roc")} == {
        ("roc_auc_against_rfm_logistic_mean", None),
        ("roc_auc_against_rfm_logistic", "2017-11-02"),
        ("roc_auc_against_rfm_logistic", "2017-10-03"),
    }
    assert {r["population"] for r in rows} == {"active_90d"}
    assert said[0].startswith("      xgboost is better than rfm_logistic: ROC AUC +0.")


def test_if_the_gain_may_be_chance_the_simpler_learner_serves_and_the_log_says_so(choose):
    name, rows, said = choose(xgboost=1.0)
    assert name == "rfm_logistic"
    assert {r["model_name"] for r in rows} == {"xgboost"}
    assert said[0].startswith(
        "      xgboost is not better than rfm_logistic beyond chance: ROC AUC"
    )
    assert said[0].endswith("(mean of 3 test dates, active_90d). The simpler learner is preferred.")


def test_logistic_regression_is_tried_before_rfm_logistic(choose):
    assert choose(xgboost=1.0, logistic_regression=0.5)[0] == "logistic_regression"
    assert choose(xgboost=1.0, random_forest=0.5)[0] == "rfm_logistic"
    assert choose(xgboost=0.5, logistic_regression=0.4)[0] == "xgboost"


def test_without_rolling_dates_the_chosen_learner_stays(choose):
    assert choose(rolling_dates=0, xgboost=1.0) == ("xgboost", [], [])


def test_the_gains_as_text():
    gains = {
        "roc_auc": Estimate(0.0107, 0.0045, 0.0171),
        "log_loss": Estimate(-0.0166, -0.0237, -0.0109),
        "lift_at_10": Estimate(None),
    }
    assert told(gains) == (
        "ROC AUC +0.0107 (+0.0045 to +0.0171), log loss -0.0166 (-0.0237 to -0.0109), lift in the "
        "first tenth undefined"
    )


# --- chance --------------------------------------------------------------------------------------


def area(name, value, low, high):
    row = {"model_name": name, "population": "active_90d", "split": "test", "metric": "roc_auc"}
    return {**row, "value": value, "ci_low": low, "ci_high": high}


def test_no_interval_above_one_half_is_no_signal():
    rows = [area("xgboost", 0.52, 0.48, 0.56), area("rfm_logistic", 0.51, 0.47, 0.55)]
    assert lack_of_signal(rows, ["xgboost", "rfm_logistic"]) == (
        "no signal in these data: no learner ranks the active and silent customers of the test "
        "date better than chance. The best one, xgboost, has a ROC AUC of 0.520 (0.480 to 0.560); "
        "chance is 0.5"
    )
    better = [rows[0], area("rfm_logistic", 0.56, 0.51, 0.6)]
    assert lack_of_signal(better, ["xgboost", "rfm_logistic"]) == ""
    # Figures of everybody do not count: customers who left long ago are easy to rank.
    everyone = [row | {"population": "all"} for row in better]
    assert lack_of_signal(everyone, ["xgboost", "rfm_logistic"]) == (
        "no signal in these data: ROC AUC is undefined among the active and silent customers"
    )
