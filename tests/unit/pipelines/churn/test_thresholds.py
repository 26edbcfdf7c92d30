"""The decision threshold of a scored row: that of the model, of the cold-start rate or of the rule."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from models.answers import thresholds
from models.baselines import RecencyOnly
from models.encoding import FeatureEncoder
from models.portable import LinearScorer, PortableModel
from pipelines.churn.customer_scoring import rule_threshold
from runtime.settings import load


def model(threshold, **facts):
    encoder, scorer = FeatureEncoder(("x",), fill=(0.0,)), LinearScorer((1.0,), 0.0, (0.0,))
    return PortableModel(encoder, scorer, threshold=threshold, metadata=facts)


@pytest.mark.parametrize(
    ("own", "cold", "expected"),
    [
        (0.14, 0.16, {"model": 0.14, "cold_start": 0.16}),
        (0.0, 1.0, {"model": 0.01, "cold_start": 0.99}),  # the bounds of a threshold
    ],
)
def test_a_model_logs_one_threshold_for_itself_and_one_for_new_customers(own, cold, expected):
    assert thresholds(model(own, cold_start_threshold=cold)) == expected


def test_an_older_model_has_one_threshold_for_all():
    assert thresholds(model(0.14)) == {"model": 0.14, "cold_start": 0.14}


def test_the_rule_has_the_threshold_of_its_rates():
    """Of 100 customers, contacting the 10 at day 60 pays, because half of them left.

    Contacting those of day 1 (rate .02) never pays: acceptance would have to be above 1.
    """
    counts = pd.DataFrame({"recency_days": [1, 60], "rows": [90, 10], "churned": [2, 5]})
    context = SimpleNamespace(settings=load("demo"))
    rule = RecencyOnly.fit(counts)
    threshold = rule_threshold(context, rule, counts)
    assert threshold == pytest.approx(5 / 10, abs=1e-6)
    days = pd.DataFrame({"recency_days": [1, 59, 60]})
    assert (rule.predict_proba(days) >= threshold).tolist() == [False, False, True]
