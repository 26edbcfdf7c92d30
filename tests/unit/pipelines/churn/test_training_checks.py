"""Checks of training on the driver: test dates are read once, folds, and their spread."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from models.encoding import FeatureEncoder
from models.portable import LinearScorer, PortableModel
from pipelines.churn import evaluation
from pipelines.churn.dataset import Design, tell_undated, undated_features
from pipelines.churn.evaluation import TestDates
from pipelines.churn.fit_costs import fits_text, is_asked
from pipelines.churn.stability import check_folds, folds_of_both, spread
from runtime.errors import ModelGateError
from runtime.model_registry import Registered
from runtime.settings import load


def test_the_test_dates_are_read_once(monkeypatch):
    read = []

    def sample(rows, split):
        read.append((rows, split))
        return "the frame"

    monkeypatch.setattr(evaluation, "sample", sample)
    dates = TestDates("rows")
    assert dates.read() == "the frame"
    with pytest.raises(ModelGateError, match="already read in this run"):
        dates.read()
    assert read == [("rows", "test")]


def test_fewer_customers_than_folds_is_refused():
    with pytest.raises(ModelGateError) as caught:
        check_folds(4, 10)
    assert str(caught.value) == (
        "training.stability.folds = 10: there are too few customers, only 4 folds have any. Set it "
        "to at most 4."
    )


def test_a_fold_of_one_class_is_left_out_and_one_alone_is_no_spread():
    label, fold = np.array([0, 1, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 2, 2])
    assert folds_of_both(label, fold, 4) == [0, 1]
    with pytest.raises(ModelGateError) as caught:
        folds_of_both(label[2:], fold[2:], 4)
    assert str(caught.value) == (
        "training.stability.folds = 4: only 1 of the folds hold both classes, but at least two are "
        "needed. Set it lower, or leave training.stability.learners empty."
    )


def test_spread_by_hand():
    figures = spread(np.array([0.7, 0.8, 0.9]))
    # Mean .8; sd with n - 1: sqrt((.01 + 0 + .01) / 2) = .1; 1 - .1 / .8 = .875.
    assert figures == pytest.approx(
        {"mean": 0.8, "sd": 0.1, "min": 0.7, "max": 0.9, "variance": 0.01, "stability": 0.875}
    )


def test_attributes_without_a_date_are_named():
    # age_band has no value anyway, and conf states that plan has a date.
    filled = {"has_profile": 9, "age_band": 0, "plan": 8, "region": 7, "recency_days": 9}
    assert undated_features(filled, ["plan"]) == ["has_profile", "region"]
    assert undated_features(filled, ["plan", "region", "has_profile"]) == []


def test_the_screen_says_which_attributes_are_left_out():
    lines = []
    context = SimpleNamespace(progress=SimpleNamespace(say=lines.append))
    encoder = FeatureEncoder(("recency_days",))
    tell_undated(context, Design(None, ["x0"], encoder, []), None)
    assert lines == []
    tell_undated(context, Design(None, ["x0"], encoder, [], ["has_profile", "region"]), None)
    assert lines == [
        "      2 attributes have no date of becoming known and are left out: has_profile, region "
        "(training.dated_attributes)"
    ]


def test_a_champion_that_uses_attributes_without_a_date_is_named():
    lines = []
    context = SimpleNamespace(progress=SimpleNamespace(say=lambda _: None, warn=lines.append))
    encoder = FeatureEncoder(("recency_days", "has_profile"), fill=(0.0, 0.0))
    text = PortableModel(encoder, LinearScorer((1.0, 1.0), 0.0, (0.0, 0.0))).to_json()
    champion = Registered("churn", "3", "run", text, {})
    tell_undated(context, Design(None, ["x0"], encoder, [], ["region"]), champion)
    assert lines == []
    tell_undated(context, Design(None, ["x0"], encoder, [], ["has_profile", "region"]), champion)
    assert lines == [
        "churn version 3, the champion, uses attributes without a date of becoming known: "
        "has_profile. It serves until a new model is significantly better. To replace it now, train "
        "under another mlflow.model_name."
    ]


def asked(**changes):
    """training of conf/defaults.yaml with other values."""
    return load("demo").training.model_copy(update=changes)


def test_what_costs_minutes_is_said_with_its_setting():
    # conf/defaults.yaml: search small with 3 + 1 + 1 + 3 trials of four learners, 3 test dates.
    assert fits_text(asked()) == (
        "fits: 8 trials of 4 learners, 10 folds of the chosen learner (training.stability.learners), "
        "2 earlier test dates, feature sets (training.compare_feature_sets), then the other horizons"
    )
    stability = asked().stability.model_copy(update={"learners": []})
    short = asked(search="none", stability=stability, rolling_dates=0, compare_feature_sets=False)
    assert fits_text(short) == "fits: 4 trials of 4 learners, then the other horizons"


@pytest.mark.parametrize(
    ("names", "is_chosen", "is_run"),
    [
        (["chosen"], True, True),
        (["chosen"], False, False),
        (["xgboost"], False, True),
        ([], True, False),
    ],
)
def test_the_stability_of_the_chosen_learner_or_of_named_ones(names, is_chosen, is_run):
    candidate, other = SimpleNamespace(name="xgboost"), SimpleNamespace(name="logistic_regression")
    assert is_asked(candidate, candidate if is_chosen else other, names) == is_run
