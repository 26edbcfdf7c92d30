"""Thresholds and profit are computed from the served probabilities."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.calibration import best_by_brier
from models.encoding import FeatureEncoder
from models.portable import LinearScorer
from models.profit import (
    CampaignEconomics,
    expected_maximum_profit,
    f1_threshold,
    threshold_of_share,
)
from models.scoring import probabilities
from pipelines.churn import candidates
from pipelines.churn.candidates import TrainingData
from pipelines.churn.dataset import Design
from pipelines.churn.time_split import Schedule
from runtime.settings import load

FACTS = {"cold_start_days": 7, "cold_start_rate": 0.05}


@pytest.fixture
def data():
    """400 rows of the validation date. Every second customer is new (tenure 0). Their scores are as
    high as the others', but their served probability is the cold-start base rate, .05."""
    draw = np.random.default_rng(1)
    x = draw.normal(0, 2, 400)
    churned = (draw.random(400) < 1 / (1 + np.exp(-x))).astype(int)
    settings = load("demo")
    training = TrainingData(SimpleNamespace(settings=settings), None, None, FACTS)
    training.__dict__["plain"] = Design(None, [], FeatureEncoder(("x",), fill=(0.0,)), [])
    training.__dict__["held_out"] = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(400)],
            "tenure_days": [0, 300] * 200,
            "x": x,
            "churned": churned,
        }
    )
    return training


def test_thresholds_and_profit_are_those_of_the_served_probabilities(data, monkeypatch):
    scorer = LinearScorer((1.0,), 0.0, (0.0,))
    learner = SimpleNamespace(takes_null=True, fit=lambda *_: scorer)
    monkeypatch.setattr(candidates, "learner_of", lambda *_: learner)
    monkeypatch.setattr(Design, "split", lambda *_: None)
    candidate = candidates.fitted(data, "xgboost", {})

    label, served = data.held_out_label, probabilities(candidate.model, data.held_out)
    economics = CampaignEconomics(**data.context.settings.training.economics.model_dump())
    best = expected_maximum_profit(label, served, economics)
    assert candidate.expected_profit == best.profit
    assert candidate.thresholds == {
        "profit": threshold_of_share(served, best.share),
        "half": 0.5,
        "f1": f1_threshold(label, served),
    }
    assert candidate.model.threshold == candidate.thresholds["profit"]
    # With the model's own probabilities for all customers both would differ.
    own = candidate.model.predict_proba(data.held_out[["x"]])
    assert candidate.expected_profit != expected_maximum_profit(label, own, economics).profit
    assert candidate.thresholds["f1"] != f1_threshold(label, own)


class SplitLearner:
    """A learner that records the rows of each fit. The coefficient is the number of splits in the fit."""

    takes_null = True

    def __init__(self):
        self.fitted_on = []

    def fit(self, frame, names, label):
        rows = sorted((r["split"], r["customer_id"]) for r in frame.collect())
        self.fitted_on.append(rows)
        return LinearScorer((float(len({split for split, _ in rows})),), 0.0, (0.0,))


SPLIT_ROWS = [("train", "c1"), ("train", "c2"), ("validation", "c1"), ("test", "c1")]
TRAIN, TRAIN_AND_VALIDATION = SPLIT_ROWS[:2], SPLIT_ROWS[:3]


@pytest.fixture
def split_learner(data, session, monkeypatch):
    """A `SplitLearner`, which gets a design with rows of all three splits."""
    learner = SplitLearner()
    monkeypatch.setattr(candidates, "learner_of", lambda *_: learner)
    frame = session.createDataFrame(SPLIT_ROWS, "split string, customer_id string")
    data.__dict__["plain"] = Design(frame, [], FeatureEncoder(("x",), fill=(0.0,)), [])
    return learner


def test_the_model_that_is_calibrated_has_not_seen_the_validation_date(data, split_learner):
    candidate = candidates.fitted(data, "xgboost", {})

    assert split_learner.fitted_on == [TRAIN, TRAIN_AND_VALIDATION]
    # The fit on one split has coefficient 1, the fit on two splits coefficient 2.
    x, label = data.held_out["x"].to_numpy(np.float32), data.held_out_label
    assert candidate.validation_scores == pytest.approx(1.0 * x)
    assert candidate.scorer.coefficients == (1.0,)
    assert candidate.model.ensemble.coefficients == (2.0,)
    customers = data.held_out["customer_id"].tolist()
    of_train = best_by_brier(candidate.validation_scores, label, customers)
    assert candidate.model.calibration == of_train
    assert of_train != best_by_brier(2.0 * candidate.validation_scores, label, customers)


def test_a_model_that_the_search_fitted_is_not_fitted_again(data, split_learner):
    tuned = LinearScorer((1.0,), 0.0, (0.0,))
    candidate = candidates.fitted(data, "xgboost", {}, tuned=tuned)
    assert split_learner.fitted_on == [TRAIN_AND_VALIDATION]
    assert candidate.scorer is tuned
    assert candidate.model.ensemble.coefficients == (2.0,)


DAYS = [dt.date(2017, 6, 1) + dt.timedelta(days=30 * n) for n in range(4)]


@pytest.fixture
def four_dates(session, monkeypatch):
    """Data of four dates with one churned customer and one who stayed each; the next date tests."""
    rows = session.createDataFrame(
        [(c, day, "train", churned) for day in DAYS for c, churned in (("a", 1), ("b", 0))],
        "customer_id string, as_of date, split string, churned int",
    )
    monkeypatch.setattr(candidates, "served_facts", lambda *_, horizon_days: {"of": horizon_days})
    plan = Schedule(tuple(DAYS[:3]), DAYS[3], DAYS[3] + dt.timedelta(days=30))
    context = SimpleNamespace(settings=load("demo"))
    data = TrainingData(context, plan, rows, {"horizon_days": 30})
    data.__dict__["plain"] = Design(rows, [], FeatureEncoder(("x",), fill=(0.0,)), ["y"])
    return data


def splits_of(frame):
    return sorted({(r["as_of"], r["split"]) for r in frame.collect()})


def test_earlier_data_hold_no_label_that_had_not_passed_by_the_earlier_test_date(four_dates):
    earlier = four_dates.tested_on(DAYS[3])
    # The third date validates, because its label of 30 days ends on the fourth, which tests.
    known = [(DAYS[0], "train"), (DAYS[1], "train"), (DAYS[2], "validation")]
    assert splits_of(earlier.rows) == splits_of(earlier.plain.rows) == known
    assert earlier.plan.test == DAYS[3] and earlier.metadata == {"of": 30}
    # The encoder is that of the whole data.
    assert earlier.plain.encoder is four_dates.plain.encoder
    assert earlier.plain.left_out == ["y"]


def test_too_few_dates_or_one_class_give_no_earlier_data(four_dates):
    # Before the second date only the first one is known: nothing is left to validate.
    assert four_dates.tested_on(DAYS[1]) is None
    assert four_dates.tested_on(DAYS[2]) is not None
    four_dates.rows = four_dates.rows.where("churned = 1")
    assert four_dates.tested_on(DAYS[2]) is None
