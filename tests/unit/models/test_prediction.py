"""`predict`: equal results for a dict, a pandas frame and a Spark frame."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.encoding import FeatureEncoder, FeatureMismatch
from models.portable import LinearScorer, PortableModel
from models.prediction import predict

ENCODER = FeatureEncoder(("a", "b"), (("plan", ("basic", "plus")),), fill=(1.0, 0.0))
MODEL = PortableModel(ENCODER, LinearScorer((0.5, -0.25, 1.0, 0.0), -0.1, (0.0,) * 4))
ROWS = pd.DataFrame(
    {"a": [1.0, np.nan, 3.0], "b": [4.0, 0.0, np.nan], "plan": ["plus", "basic", "unseen"]}
)


def test_a_dict_and_a_frame_agree_with_the_formula():
    # Row 1: .5 * 1 - .25 * 4 + 0 - .1 = -.6. Row 2: null a is filled with 1: .5 + 1 - .1 = 1.4.
    # Row 3: null b is filled with 0 and an unknown plan adds 0: 1.5 - .1 = 1.4.
    expected = 1 / (1 + np.exp(-np.array([-0.6, 1.4, 1.4])))
    assert predict(MODEL, ROWS) == pytest.approx(expected, abs=1e-6)
    from_dicts = [predict(MODEL, row) for row in ROWS.to_dict("records")]
    assert from_dicts == pytest.approx(expected, abs=1e-6)


@pytest.mark.spark_only
def test_spark_agrees_and_keeps_the_other_columns(spark):
    frame = spark.createDataFrame(ROWS.assign(customer_id=["x", "y", "z"]))
    scored = predict(MODEL, frame).toPandas().sort_values("customer_id")
    assert list(scored.columns) == ["a", "b", "plan", "customer_id", "churn_probability"]
    assert np.abs(scored["churn_probability"].to_numpy() - predict(MODEL, ROWS)).max() <= 1e-6


@pytest.mark.spark_only
def test_spark_refuses_a_frame_without_a_feature(spark):
    with pytest.raises(FeatureMismatch, match="missing: plan"):
        predict(MODEL, spark.createDataFrame(ROWS.drop(columns="plan")))


def test_a_frame_with_other_features_is_refused_by_name():
    with pytest.raises(FeatureMismatch, match="missing: b; unexpected: c"):
        predict(MODEL, ROWS.rename(columns={"b": "c"}))


def test_an_infinite_value_is_refused():
    with pytest.raises(ValueError, match="a: a numeric feature must be finite"):
        predict(MODEL, ROWS.assign(a=np.inf))
