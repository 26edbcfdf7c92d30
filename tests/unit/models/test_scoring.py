"""Scoring of batches: the model for known customers, the cold-start base rate for new ones."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from models.encoding import FeatureEncoder
from models.portable import LinearScorer, PortableModel
from models.scoring import GIVEN, TOP, batch_scorer, score_batch


def model(rate, intercept):
    """Log-odds are x + intercept. Customers known for less than 7 days get the rate."""
    facts = {"cold_start_days": 7, "cold_start_rate": rate, "reason_features": {}}
    encoder = FeatureEncoder(numeric=("x",), fill=(0.0,))
    return PortableModel(encoder, LinearScorer((1.0,), intercept, (0.0,)), metadata=facts)


@pytest.mark.parametrize(
    ("definition", "sixty", "ninety"),
    [
        # Odds of 3 are 3/4, odds of 1 are 1/2. Silence for 60 days: 3/4 * 1/2, for 90 days half of it.
        ("inactivity", 3 / 4 * 1 / 2, 3 / 4 * 1 / 2 * 1 / 2),
        # A contract that ends within 30 days (3/4), or else within 60 (1/2 of the rest), and so on.
        ("termination", 3 / 4 + 1 / 4 * 1 / 2, 7 / 8 + 1 / 8 * 1 / 2),
    ],
)
def test_a_step_continues_the_shorter_horizon(definition, sixty, ninety):
    def step(given):
        made = model(0.3, 0.0)
        facts = {**made.metadata, GIVEN: given, "definition": definition}
        scorer = LinearScorer((0.0,), 0.0, (0.0,))  # odds of 1
        return PortableModel(made.encoder, scorer, metadata=facts).to_json()

    rows = pd.DataFrame(
        {
            "as_of": "2018-01-01",
            "customer_id": ["known"],
            "recency_days": 1,
            "engagement_score": None,
            "tenure_days": [7.0],
            "x": math.log(3),
        }
    )
    score = batch_scorer(model(0.3, 0.0).to_json(), {"90": step(60), "60": step(30)})
    (row,) = next(score(iter([rows]))).to_dict("records")
    assert (row["p_60"], row["p_90"]) == pytest.approx((sixty, ninety))


@pytest.fixture
def scored():
    """Scored rows, by customer: known for 6 days, for 7 days, and with null tenure."""
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
    # Odds of 3 give 3/4. The intercept of the other horizon gives odds of 9, hence 9/10.
    known = scored.loc["known"]
    assert (known["churn_probability"], known["p_60"]) == pytest.approx((3 / 4, 9 / 10))
    for customer in ("new", "unknown"):
        row = scored.loc[customer]
        assert (row["churn_probability"], row["p_60"]) == (0.3, 0.1)


def test_what_no_model_said_is_not_explained(scored):
    assert scored["score_basis"].to_dict() == {
        "new": "cold_start",
        "known": "model",
        "unknown": "cold_start",
    }
    assert scored.loc["known", "factors"] == ["x"] and scored.loc["known", "reasons"] is not None
    for customer in ("new", "unknown"):
        row = scored.loc[customer]
        assert (row["factors"], row["impacts"], row["factor_values"]) == ([], [], [])
        assert row["reasons"] is None and row["top_risk_factor"] is None


def test_the_top_risk_factor_may_lie_beyond_the_five_strongest():
    """SHAP values are the x themselves: coefficients 1, fill 0 as the reference, scales 1."""
    names = ("a", "b", "c", "d", "e", "f", "g")
    facts = {"cold_start_days": 0, "cold_start_rate": 0.1, "reason_features": {}}
    scorer = LinearScorer((1.0,) * 7, 0.0, (0.0,) * 7)
    linear = PortableModel(FeatureEncoder(names, fill=(0.0,) * 7), scorer, metadata=facts)
    values = {
        "sixth": (-9, -8, -7, -6, -5, 0.1, 0.2),
        "first": (9, -8, -7, -6, -5, 1, 2),
        "tie": (-9, -8, 3, 3, -5, 1, 2),
        "nothing raises": (-9, -8, -7, -6, -5, -1, 0),
    }
    given = {
        "as_of": "2018-01-01",
        "recency_days": 1,
        "engagement_score": None,
        "tenure_days": 99.0,
    }
    rows = pd.DataFrame(
        [{"customer_id": c, **given} | dict(zip(names, v, strict=True)) for c, v in values.items()]
    )
    scored = score_batch(linear, rows).set_index("customer_id")
    assert len(scored.loc["sixth", "factors"]) == TOP and "g" not in scored.loc["sixth", "factors"]
    assert scored["top_risk_factor"].to_dict() == {
        "sixth": "g",
        "first": "a",
        "tie": "c",
        "nothing raises": None,
    }
