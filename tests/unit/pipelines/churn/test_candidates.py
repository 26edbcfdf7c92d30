"""Thresholds and profit are computed from the served probabilities."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

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
