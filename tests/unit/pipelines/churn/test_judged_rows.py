"""The rows that validate_model judges, the time of a prediction, and the reason of a verdict."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.encoding import FeatureEncoder
from models.model_gate import BRIER, EXPLAINED, LOG_LOSS, Check
from models.portable import LinearScorer, PortableModel
from pipelines.churn import model_validation
from pipelines.churn.model_validation import inference_ms, labelled, reason_of

PASSED = Check(BRIER, True, 900, value=-0.001, low=-0.002, high=0.001, bound=0.002)
FAILED = Check(LOG_LOSS, False, 600, "At Risk", value=0.03, low=0.02, high=0.04, bound=0.01)
FACTS = {"cold_start_days": 7, "cold_start_rate": 0.5}
MODEL = PortableModel(
    FeatureEncoder(("x",), fill=(0.0,)), LinearScorer((1.0,), 0.0, (0.0,)), metadata=FACTS
)
SEEN = pd.DataFrame(
    {
        "customer_id": ["a", "b"],
        "segment": ["Champions", None],
        "churned": [0, 1],
        "x": [0.0, 2.0],
        "tenure_days": [100, 100],
    }
)


def test_each_customer_has_the_probabilities_of_both_models_and_of_the_rule():
    rule = SimpleNamespace(predict_proba=lambda seen: np.array([0.25, 0.75]))
    rows = labelled(SEEN, MODEL, MODEL, rule=rule)
    assert (rows.customers, rows.segments.tolist()) == (["a", "b"], ["Champions", "unknown"])
    assert (rows.label.tolist(), rows.rule.tolist()) == ([0.0, 1.0], [0.25, 0.75])
    expected = [0.5, 1 / (1 + np.exp(-2.0))]
    assert rows.challenger.tolist() == rows.champion.tolist() == pytest.approx(expected)
    assert labelled(SEEN, MODEL, None, rule=rule).champion is None


def test_the_time_of_a_prediction_is_that_of_the_fastest(monkeypatch):
    """The clock is read twice per prediction; the second one takes 2 ms, the others 5 ms."""
    ticks = iter([value for n in range(20) for value in (n, n + (0.002 if n == 1 else 0.005))])
    monkeypatch.setattr(model_validation.time, "perf_counter", lambda: next(ticks))
    assert inference_ms(MODEL, SEEN) == pytest.approx(2.0)
    assert inference_ms(MODEL, SEEN.iloc[:0]) is None


def test_the_reason_of_an_accepted_version_has_no_segment():
    assert reason_of([Check(EXPLAINED, True, 9), PASSED, FAILED]).startswith("log loss of At Risk")
    kept = Check(LOG_LOSS, True, 600, "At Risk", value=0.0, low=-0.1, high=0.1, bound=0.01)
    assert reason_of([Check(EXPLAINED, True, 9), PASSED, kept]).count(";") == 0
