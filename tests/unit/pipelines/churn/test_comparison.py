"""Rows of gold.model_comparison by hand, the choice of the learner, and the other horizons."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.encoding import FeatureEncoder
from models.portable import LinearScorer, PortableModel
from models.profit import CampaignEconomics
from pipelines.churn.candidates import roc_auc
from pipelines.churn.churn_training import best_of
from pipelines.churn.evaluation import Evaluated, comparison
from pipelines.churn.model_metadata import check_untaught
from pipelines.churn.time_split import Schedule
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
    {
        "xgboost": np.array([0.9, 0.4, 0.6, 0.1]),
        "champion": np.array([0.9, 0.8, 0.2, 0.1]),
        "rfm_logistic": np.array([0.8, 0.7, 0.7, 0.9]),
    },
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
        # xgboost ranks three of the four pairs correctly, the champion all four. rfm_logistic ranks
        # a above c, and b as c (half a pair), but d above both.
        ("roc_auc_difference", 3 / 4 - 1),
        ("roc_auc_against_rfm_logistic", 3 / 4 - 1.5 / 4),
        # The first of four customers is a with xgboost, d with rfm_logistic. The churn rate is 1/2.
        ("lift_at_10_against_rfm_logistic", 1 / (1 / 2) - 0 / (1 / 2)),
        (
            "log_loss_against_rfm_logistic",
            -np.log([0.9, 0.4, 1 - 0.6, 1 - 0.1]).mean()
            + np.log([0.8, 0.7, 1 - 0.7, 1 - 0.9]).mean(),
        ),
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
        held_out=pd.DataFrame(
            {"customer_id": [f"c{i}" for i in range(len(LABEL))], "purchases_90d": 1}
        ),
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
        return check_untaught(context, champion, plan, alias="champion", outcome="")
    with pytest.raises(ModelGateError) as caught:
        check_untaught(context, champion, plan, alias="champion", outcome="Nothing was trained.")
    # The test date is 30 days before as_of. With an as_of 30 days later it is the champion's.
    assert str(caught.value) == (
        "as_of 2017-12-02: the champion, version 3, was trained with labels up to 2017-12-02, but "
        "this run tests on 2017-11-02, so the champion knows the test labels. Nothing was trained. "
        "Use as_of 2018-01-01 or later, or another mlflow.model_name."
    )
