"""The example that MLflow stores with a served model: made up, never rows of customers."""

from __future__ import annotations

import pandas as pd

from models.encoding import FeatureEncoder
from models.portable import LinearScorer, PortableModel
from pipelines.churn.churn_training import example_of

PLANS = (("plan", ("basic", "gold", "plus")), ("region", ()))
ENCODER = FeatureEncoder(("months", "has_profile"), PLANS, fill=(7.0, 0.0))


def test_the_example_depends_on_the_names_and_categories_of_the_model_alone():
    expected = {
        "months": [0.0, 1.0],
        "has_profile": [0.0, 1.0],
        "plan": ["basic", "plus"],
        "region": [None, None],
    }
    pd.testing.assert_frame_equal(example_of(ENCODER), pd.DataFrame(expected))


def test_the_model_answers_for_the_example():
    model = PortableModel(ENCODER, LinearScorer((1.0,) * 5, 0.0, (0.0,) * 5))
    # sigmoid(0 + 0 + basic) and sigmoid(1 + 1 + plus)
    assert model.predict_proba(example_of(ENCODER)).round(6).tolist() == [0.731059, 0.952574]
