"""A test ROC AUC that is too high stops the training, for each population by its own ceiling."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from models.metrics import Estimate
from pipelines.churn.evaluation import check_leak, result_row
from runtime.errors import ModelGateError
from runtime.settings import load

CEILINGS = {"leak_alarm_roc_auc": 0.95, "leak_alarm_roc_auc_active_90d": 0.85}
CONTEXT = SimpleNamespace(settings=load("demo", training=CEILINGS))


def rows(of_all, of_active, name="xgboost", split="test"):
    """The rows of a model's ROC AUC on all customers and on the active ones."""
    return [
        result_row(name, "roc_auc", Estimate(value), population=population, split=split)
        for population, value in (("all", of_all), ("active_90d", of_active))
    ]


@pytest.mark.parametrize(
    ("of_all", "of_active", "value", "population", "setting"),
    [
        (0.951, 0.5, "0.951", "all", "training.leak_alarm_roc_auc = 0.95"),
        # 0.851 is allowed for all customers, but not for the active ones.
        (0.851, 0.851, "0.851", "active_90d", "training.leak_alarm_roc_auc_active_90d = 0.85"),
        (0.5, 0.999, "0.999", "active_90d", "training.leak_alarm_roc_auc_active_90d = 0.85"),
    ],
)
def test_each_population_has_its_own_limit(of_all, of_active, value, population, setting):
    with pytest.raises(ModelGateError) as error:
        check_leak(CONTEXT, rows(of_all, of_active), ["xgboost"])
    assert str(error.value) == (
        f"xgboost: ROC AUC {value} on the test date ({population}) is above {setting}. A "
        "feature probably contains information from the future. This model was not registered. Look "
        "for the feature among the top factors, or raise the limit."
    )


def test_every_candidate_is_checked():
    both = [*rows(0.8, 0.8), *rows(0.8, 0.86, name="random_forest")]
    check_leak(CONTEXT, both, ["xgboost"])
    with pytest.raises(ModelGateError, match=r"random_forest: ROC AUC 0\.860"):
        check_leak(CONTEXT, both, ["xgboost", "random_forest"])


def test_values_at_the_limit_null_values_and_other_splits_pass():
    check_leak(CONTEXT, rows(0.95, 0.85), ["xgboost"])
    check_leak(CONTEXT, rows(0.99, 0.99, split="validation"), ["xgboost"])
    check_leak(CONTEXT, rows(None, None), ["xgboost"])
    check_leak(CONTEXT, [], ["xgboost"])
