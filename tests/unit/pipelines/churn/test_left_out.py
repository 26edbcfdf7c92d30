"""A learner that cannot be fitted is left out by name; without any learner the run ends."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pipelines.churn.left_out import trained
from runtime.errors import ModelGateError

NAMES = ["xgboost", "random_forest"]


@pytest.fixture
def data():
    warned: list[str] = []
    return SimpleNamespace(
        context=SimpleNamespace(progress=SimpleNamespace(warn=warned.append)),
        warned=warned,
        side_by_side=lambda fit, items, name: [fit(item) for item in items],
    )


def test_the_others_stay(data):
    def fit(name):
        if name == "xgboost":
            raise ValueError("Check failed: label must be in [0, 1].\n  stack trace")
        return f"candidate {name}"

    candidates, rows = trained(data, fit, NAMES)
    assert candidates == ["candidate random_forest"]
    reason = "Check failed: label must be in [0, 1]."
    assert data.warned == [f"xgboost is left out: {reason}"]
    assert rows == [
        {
            "model_name": "xgboost",
            "population": "all",
            "split": "train",
            "metric": "left_out",
            "value": None,
            "ci_low": None,
            "ci_high": None,
            "reason": reason,
        }
    ]


def test_without_any_learner_one_sentence_ends_the_run(data):
    def fit(name):
        raise ZeroDivisionError(f"{name} divides by zero.")

    with pytest.raises(ModelGateError) as error:
        trained(data, fit, NAMES)
    assert str(error.value) == (
        "training.learners: none of xgboost, random_forest could be fitted. Nothing was "
        "registered. The first reason: xgboost divides by zero. Add other learners, or use a later "
        "as_of with more customers."
    )
