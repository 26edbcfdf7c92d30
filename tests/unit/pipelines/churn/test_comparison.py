"""Rows of gold.model_comparison by hand, the choice of the learner, and the other horizons."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.encoding import FeatureEncoder
from models.fit_attempts import LeftOut
from models.portable import LinearScorer, PortableModel
from models.profit import CampaignEconomics
from pipelines.churn import horizons
from pipelines.churn.candidates import roc_auc
from pipelines.churn.churn_training import best_of, check_untaught
from pipelines.churn.evaluation import Evaluated, comparison
from pipelines.churn.model_card import judged_where_chosen
from pipelines.churn.time_split import Schedule, plans
from runtime.errors import ModelGateError
from runtime.model_registry import Registered
from runtime.settings import load

# Contacting a leaver earns .3 * (200 - 10) - 1 = 56. Contacting a stayer costs 10 + 1 = 11.
ECONOMICS = CampaignEconomics(value=200, incentive_cost=10, contact_cost=1, alpha=6, beta=14)
ROWS = pd.DataFrame(
    {"customer_id": ["a", "b", "c", "d"], "churned": [1, 1, 0, 0], "purchases_90d": [1, 2, 2, 0]}
)
EVALUATED = Evaluated(
    "test",
    ROWS,
    {"xgboost": np.array([0.9, 0.4, 0.6, 0.1]), "champion": np.array([0.9, 0.8, 0.2, 0.1])},
    {"xgboost": 0.3, "champion": 0.5},
    {"xgboost": {"half": 0.5, "f1": 0.4}},
)


@pytest.fixture(scope="module")
def rows():
    """(model, population, metric) -> (value, ci_low, ci_high)."""
    return {
        (r["model_name"], r["population"], r["metric"]): (r["value"], r["ci_low"], r["ci_high"])
        for r in comparison(EVALUATED, 200, ECONOMICS, reference="champion")
    }


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        # At least .3: a, b and c.
        ("threshold", 0.3),
        ("true_positives", 2),
        ("false_positives", 1),
        ("false_negatives", 0),
        ("true_negatives", 1),
        ("profit_per_customer", (2 * 56 - 11) / 4),
        # At least .5: a and c.
        ("precision_threshold_half", 1 / 2),
        ("recall_threshold_half", 1 / 2),
        ("f1_threshold_half", 1 / 2),
        ("profit_per_customer_threshold_half", (56 - 11) / 4),
        # At least .4: a, b and c again. F1 = 2 * (2/3 * 1) / (2/3 + 1).
        ("precision_threshold_f1", 2 / 3),
        ("recall_threshold_f1", 1),
        ("f1_threshold_f1", 0.8),
        ("profit_per_customer_threshold_f1", (2 * 56 - 11) / 4),
        # xgboost ranks three of the four pairs correctly, the champion all four.
        ("roc_auc_difference", 3 / 4 - 1),
    ],
)
def test_figures_by_hand(rows, metric, value):
    assert rows["xgboost", "all", metric][0] == pytest.approx(value)


def test_every_figure_but_the_thresholds_has_an_interval(rows):
    # With four customers most deciles of the calibration curve are empty and have no value.
    known = {key: ends for key, ends in rows.items() if ends[0] is not None}
    bare = {metric for (_, _, metric), (_, low, _) in known.items() if low is None}
    assert bare == {"threshold", "threshold_half", "threshold_f1"}
    for value, low, high in rows.values():
        assert low is None or low <= value <= high


def test_the_champion_is_not_compared_with_itself(rows):
    assert ("champion", "all", "roc_auc") in rows
    assert ("champion", "all", "roc_auc_difference") not in rows


# --- the choice of the learner -------------------------------------------------------------------

LABEL = np.tile([0.0, 1.0], 300)


def noisy(seed, noise):
    return LABEL + np.random.default_rng(seed).normal(0, noise, len(LABEL))


def chosen(*learners):
    """The position of the chosen learner among the given (scores, is_explained)."""
    data = SimpleNamespace(
        held_out_label=LABEL,
        held_out=pd.DataFrame({"customer_id": [f"c{i}" for i in range(len(LABEL))]}),
        context=SimpleNamespace(settings=load("demo")),
    )
    candidates = [
        SimpleNamespace(
            name=str(place),
            validation_scores=scores,
            model=SimpleNamespace(is_exactly_explained=is_explained),
        )
        for place, (scores, is_explained) in enumerate(learners)
    ]
    return int(best_of(data, candidates).name)


def test_a_later_learner_takes_the_place_only_beyond_chance():
    first, lucky = noisy(1, 1.0), noisy(1, 1.0)
    # One leaver ranks above all others. More than one in three bootstrap samples lacks this
    # customer and shows no gain.
    lucky[1] = lucky.max() + 1
    assert roc_auc(LABEL, lucky) > roc_auc(LABEL, first)
    assert chosen((first, True), (lucky, True)) == 0
    assert chosen((first, True), (noisy(3, 0.4), True)) == 1
    assert chosen((first, True), (noisy(3, 0.4), True), (noisy(4, 0.8), True)) == 1


def test_a_learner_without_explanations_is_chosen_only_where_there_is_no_other():
    assert chosen((noisy(1, 1.0), True), (LABEL, False)) == 0
    assert chosen((noisy(1, 1.0), False), (LABEL, False)) == 1


# --- a champion that was trained on the test date ------------------------------------------------

TEST = dt.date(2017, 11, 2)


@pytest.mark.parametrize(("tested_on", "is_taught"), [(TEST, False), (dt.date(2017, 12, 2), True)])
def test_a_champion_taught_by_labels_of_the_test_date_is_no_rival(tested_on, is_taught):
    model = PortableModel(
        FeatureEncoder(numeric=("x",), fill=(0.0,)),
        LinearScorer((1.0,), 0.0, (0.0,)),
        metadata={"tested_on": tested_on.isoformat()},
    )
    champion = Registered("churn", "3", "run", model.to_json(), {})
    context = SimpleNamespace(as_of=dt.date(2017, 12, 2))
    plan = Schedule((), dt.date(2017, 10, 3), TEST)
    if not is_taught:
        return check_untaught(context, champion, plan)
    with pytest.raises(ModelGateError) as caught:
        check_untaught(context, champion, plan)
    # The test date is 30 days before as_of. With an as_of 30 days later it is the champion's.
    assert str(caught.value) == (
        "as_of 2017-12-02: the champion, version 3, was trained with labels up to 2017-12-02, but "
        "this run tests on 2017-11-02, so the champion knows the test labels. Nothing was trained. "
        "Use as_of 2018-01-01 or later, or another mlflow.model_name."
    )


# --- the other horizons --------------------------------------------------------------------------


@pytest.fixture
def context():
    """A context of demo on 2018-01-01, first purchase on 2017-06-01. `warned` has the warnings."""
    warned: list[str] = []
    return SimpleNamespace(
        settings=load("demo"),
        as_of=dt.date(2018, 1, 1),
        observed_from=dt.date(2017, 6, 1),
        lake=SimpleNamespace(keep=lambda frame: frame),
        progress=SimpleNamespace(warn=warned.append),
        warned=warned,
    )


def test_a_horizon_with_too_little_history_is_left_out_aloud(context):
    # 180 days back is 2017-07-05, a month after the first purchase. 270 days back is before it.
    schedules = plans(context.settings, context.as_of, context.observed_from)
    assert sorted(schedules) == [1, 7, 30, 60]
    horizons.tell_left_out(context, schedules)
    assert context.warned == [
        "horizon of 90 days is left out: it needs three dates before as_of 2018-01-01 (train, tune, "
        "test) with 30 days of history each, but events begin on 2017-06-01. Use a later as_of, or "
        "remove 90 from churn.horizons_days."
    ]


def test_rows_of_a_horizon_judged_where_the_primary_one_chose_are_no_test(context, monkeypatch):
    schedules = plans(context.settings, context.as_of, dt.date(2017, 1, 1))
    told: list[str] = []
    context.spark, context.progress.say = None, told.append
    context.settings = load("demo", training={"fits_at_once": 1})
    row = {"model_name": "xgboost", "split": "test", "metric": "roc_auc", "value": 0.8}

    def of_horizon(context, horizon, plan, *, chosen):
        return LeftOut("one class") if horizon == 1 else (f"model of {horizon}", [row])

    monkeypatch.setattr(horizons, "of_horizon", of_horizon)
    chosen = SimpleNamespace(name="xgboost")
    models, rows = horizons.other_horizons(context, schedules, chosen=chosen)
    assert models == {days: f"model of {days}" for days in (7, 60, 90)}
    assert rows.pop() == {
        "model_name": "xgboost",
        "population": "all",
        "split": "test",
        "metric": "left_out",
        "horizon_days": 1,
        "reason": "one class",
        **dict.fromkeys(("value", "ci_low", "ci_high")),
    }
    assert rows == [
        {**row, "horizon_days": 7},
        {**row, "horizon_days": 60, "split": "validation"},
        {**row, "horizon_days": 90, "split": "validation"},
    ]
    assert told == [
        f"      horizon of {days} days: tested on {day}, which the search for learner and "
        "parameters also used: split validation"
        for days, day in ((60, "2017-11-02"), (90, "2017-10-03"))
    ]
    assert judged_where_chosen([row, *rows]) == (
        " The search used\n  the test dates of the horizons of 60, 90 days. Their figures have "
        "split `validation` and are no test."
    )
    assert judged_where_chosen([{**row, "split": "validation"}, rows[0]]) == ""


@pytest.mark.parametrize(
    ("scores", "is_kept"),
    [([0.9, 0.4, 0.6, 0.1], True), ([0.9, 0.8, 0.2, 0.1], False)],  # ROC AUC 3/4 and 1
)
def test_a_horizon_too_good_to_be_true_is_left_out_and_the_others_stay(
    context, monkeypatch, scores, is_kept
):
    evaluated = Evaluated("test", ROWS, {"xgboost": np.array(scores)}, {})
    fit = SimpleNamespace(name="xgboost", model="a model", parameters={})
    stubs = {
        "training_rows": SimpleNamespace(where=lambda condition: None),
        "check_labels": None,
        "check_finite": None,
        "served_facts": {},
        "TrainingData": None,
        "fitted": fit,
        "evaluate": evaluated,
    }
    for name, value in stubs.items():
        monkeypatch.setattr(horizons, name, lambda *_, value=value, **__: value)
    result = horizons.of_horizon(context, 60, Schedule((), TEST, TEST), chosen=fit)
    if is_kept:
        assert result[0] == "a model" and {row["split"] for row in result[1]} == {"test"}
        assert not context.warned
    else:
        assert isinstance(result, LeftOut)
        assert context.warned == [
            "horizon of 60 days is left out: xgboost: ROC AUC 1.000 on the test date (all) is above "
            "training.leak_alarm_roc_auc = 0.91. A feature probably contains information from the "
            "future. This model was not registered. Look for the feature among the top factors, or "
            "raise the limit."
        ]
