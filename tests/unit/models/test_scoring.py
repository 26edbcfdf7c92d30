"""Batches of feature rows: who is scored by a model, and who by the rate of their like."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from models.encoding import FeatureEncoder
from models.portable import LinearScorer, PortableModel
from models.scoring import batch_scorer


def model(rate, intercept):
    """The log-odds are x + intercept; whoever is known for less than 7 days gets the rate."""
    facts = {"cold_start_days": 7, "cold_start_rate": rate, "reason_features": {}}
    encoder = FeatureEncoder(numeric=("x",), fill=(0.0,))
    return PortableModel(encoder, LinearScorer((1.0,), intercept, (0.0,)), metadata=facts)


@pytest.fixture
def scored():
    """The rows of customers known for 6 and 7 days and for nobody knows how long, by customer."""
    rows = pd.DataFrame(
        {
            "as_of": "2018-01-01",
            "customer_id": ["new", "known", "unknown"],
            "recency_days": 1,
            "engagement_score": None,
            "tenure_days": [6.0, 7.0, None],
            "x": math.log(3),
        }
    )
    score = batch_scorer(model(0.3, 0.0).to_json(), {"60": model(0.1, math.log(3)).to_json()})
    return next(score(iter([rows]))).set_index("customer_id")


def test_a_new_customer_gets_the_rate_of_each_horizon(scored):
    # Odds of 3 are 3/4; with the other horizon's intercept odds of 9, 9/10.
    known = scored.loc["known"]
    assert (known["churn_probability"], known["p_60"]) == pytest.approx((3 / 4, 9 / 10))
    for customer in ("new", "unknown"):
        found = scored.loc[customer]
        assert (found["churn_probability"], found["p_60"]) == (0.3, 0.1)


def test_what_no_model_said_is_not_explained(scored):
    assert scored["score_basis"].to_dict() == {
        "new": "cold_start",
        "known": "model",
        "unknown": "cold_start",
    }
    assert scored.loc["known", "factors"] == ["x"] and scored.loc["known", "reasons"] is not None
    for customer in ("new", "unknown"):
        found = scored.loc[customer]
        assert (found["factors"], found["impacts"], found["factor_values"]) == ([], [], [])
        assert found["reasons"] is None
