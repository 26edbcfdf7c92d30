"""The other horizons: steps from a shorter one, the better model, and what is left out."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.fit_attempts import LeftOut
from pipelines.churn import horizon_steps, horizons
from pipelines.churn.evaluation import Evaluated
from pipelines.churn.horizon_steps import Step
from pipelines.churn.horizons import HorizonModel
from pipelines.churn.model_card import judged_where_chosen
from pipelines.churn.time_split import Schedule, plans
from runtime.errors import ModelGateError
from runtime.settings import load
from tests.unit.pipelines.churn.progress_double import silent

TEST = dt.date(2017, 11, 2)
ROWS = pd.DataFrame(
    {"customer_id": ["a", "b", "c", "d"], "churned": [1, 1, 0, 0], "purchases_90d": [1, 2, 2, 1]}
)


@pytest.fixture
def context():
    """A context of demo on 2018-01-01, first purchase on 2017-06-01. `warned` has the warnings."""
    warned: list[str] = []
    return SimpleNamespace(
        settings=load("demo"),
        as_of=dt.date(2018, 1, 1),
        observed_from=dt.date(2017, 6, 1),
        lake=SimpleNamespace(keep=lambda frame: frame),
        progress=silent(warned),
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
    continued = {}

    def of_horizon(context, horizon, plan, *, chosen, primary, before):
        continued[horizon] = before
        if horizon == 1:
            return LeftOut("one class")
        return HorizonModel(
            f"model of {horizon}", [row], f"step {horizon}" if horizon > 30 else None
        )

    monkeypatch.setattr(horizons, "of_horizon", of_horizon)
    chosen = SimpleNamespace(name="xgboost")
    models, rows = horizons.other_horizons(context, schedules, chosen=chosen, primary=None)
    assert models == {days: f"model of {days}" for days in (7, 60, 90)}
    # 90 days continue 60 days, which continue the primary horizon.
    assert continued == {1: None, 7: None, 60: None, 90: "step 60"}
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
        {**row, "horizon_days": 7, "test_on": "2017-12-02"},
        {**row, "horizon_days": 60, "test_on": "2017-11-02", "split": "validation"},
        {**row, "horizon_days": 90, "test_on": "2017-10-03", "split": "validation"},
    ]
    assert told == [
        f"      horizon of {days} days: tested on {day}, which the search for learner and "
        "parameters also used: split validation"
        for days, day in ((60, "2017-11-02"), (90, "2017-10-03"))
    ]
    assert judged_where_chosen([row, *rows]) == (
        " The search used\n  the test dates of these horizons, in days: 60, 90. Their figures have "
        "split `validation` and are no test."
    )
    assert judged_where_chosen([{**row, "split": "validation"}, rows[0]]) == ""


def test_a_horizon_after_one_that_is_skipped_continues_the_one_before_it(context, monkeypatch):
    continued = {}

    def of_horizon(context, horizon, plan, *, chosen, primary, before):
        continued[horizon] = before
        return LeftOut("") if horizon == 90 else HorizonModel(None, [], f"step {horizon}")

    monkeypatch.setattr(horizons, "of_horizon", of_horizon)
    group = (60, 90, 120)
    horizons.in_order(context, dict.fromkeys(group), group, chosen=None, primary=None)
    assert continued == {60: None, 90: "step 60", 120: "step 60"}


RIGHT, THREE, TWO = (0.9, 0.8, 0.2, 0.1), (0.9, 0.4, 0.6, 0.1), (0.9, 0.2, 0.8, 0.3)  # of 4 pairs


@pytest.fixture
def of_horizon(context, monkeypatch):
    """A function: probabilities of xgboost and of rfm_logistic -> the result for 7 days."""

    def judge(own, rfm):
        said = []
        context.progress.say = said.append
        scores = {"xgboost": np.array(own), "rfm_logistic": np.array(rfm)}
        stubs = {
            "training_rows": SimpleNamespace(where=lambda condition: None),
            "check_labels": None,
            "check_finite": None,
            "served_facts": {},
            "TrainingData": SimpleNamespace(context=context),
            "evaluate": Evaluated("test", ROWS, scores, {}),
        }
        for name, value in stubs.items():
            monkeypatch.setattr(horizons, name, lambda *_, value=value, **__: value)

        def fitted(data, name, parameters):
            return SimpleNamespace(name=name, model=f"{name} model", parameters=parameters)

        monkeypatch.setattr(horizons, "fitted", fitted)
        chosen = fitted(None, "xgboost", {})
        plan = Schedule((), TEST, TEST)
        result = horizons.of_horizon(context, 7, plan, chosen=chosen, primary=None)
        return result, said

    return judge


def test_a_horizon_too_good_to_be_true_is_left_out_and_the_others_stay(context, of_horizon):
    result, _ = of_horizon(THREE, TWO)
    assert result.model == "xgboost model" and {row["split"] for row in result.rows} == {"test"}
    assert not context.warned
    result, _ = of_horizon(RIGHT, TWO)
    assert isinstance(result, LeftOut)
    assert context.warned == [
        "horizon of 7 days is left out: xgboost: ROC AUC 1.000 on the test date (all) is above "
        "training.leak_alarm_roc_auc = 0.91. A feature probably contains information from the "
        "future. This model was not registered. Look for the feature among the top factors, or "
        "raise the limit."
    ]


def test_the_model_that_ranks_the_scored_customers_better_serves_the_horizon(of_horizon):
    """THREE ranks a above c and d, and b above d: 3 of 4 pairs. TWO ranks only a correctly: 2."""
    result, said = of_horizon(TWO, THREE)
    assert result.model == "rfm_logistic model" and result.step is None
    assert said == [
        "      horizon of 7 days: served by rfm_logistic, which ranks the scored customers of "
        "2017-11-02 better than xgboost (ROC AUC 0.7500 against 0.5000)"
    ]
    # The figures of both stay in gold.model_comparison.
    areas = {
        r["model_name"]: r["value"]
        for r in result.rows
        if (r["metric"], r["population"]) == ("roc_auc", "active_90d")
    }
    assert areas == {"xgboost": 2 / 4, "rfm_logistic": 3 / 4}
    # A tie leaves the learner of the primary horizon.
    assert of_horizon(THREE, THREE)[0].model == "xgboost model"


# --- steps ---------------------------------------------------------------------------------------


def fits(days, test, known, tested=()):
    """Fits of a horizon that give each row the probability by date in `known`."""
    data = SimpleNamespace(
        metadata={"horizon_days": days, "definition": "inactivity"},
        plan=Schedule((), test, test),
    )
    return SimpleNamespace(
        data=data,
        candidate=lambda chosen, day: SimpleNamespace(model=known[day]),
        data_on=lambda day: "data" if day in known else None,
    )


def test_a_step_is_tested_with_models_that_know_no_label_of_the_test_date(monkeypatch):
    """90 days are tested on 10-03: P(30) and the step to 60 as fitted by then, and the own step."""
    october, november = dt.date(2017, 10, 3), dt.date(2017, 11, 2)
    monkeypatch.setattr(horizon_steps, "predicted", lambda model, rows: np.array([model]))
    monkeypatch.setattr(
        horizon_steps, "fitted", lambda data, *_: SimpleNamespace(model=data.metadata["own"])
    )
    chosen = SimpleNamespace(name="xgboost", parameters={})
    primary = fits(30, None, {october: 0.5, november: 0.6})
    sixty = Step(chosen, fits(60, november, {october: 0.4}), None)
    ninety = Step(chosen, fits(90, october, {}), sixty)
    for step, own in ((sixty, 0.3), (ninety, 0.2)):
        step.fits.data.metadata["own"] = own
    assert sixty.probabilities(primary, november, ROWS) == pytest.approx([0.6 * 0.3])
    assert ninety.probabilities(primary, october, ROWS) == pytest.approx([0.5 * 0.4 * 0.2])
    assert ninety.horizon == 90 and ninety.is_testable(primary, october)
    # On 11-02 no step to 60 days was fitted, and on 12-02 no primary model.
    assert not ninety.is_testable(primary, november)
    assert sixty.is_testable(primary, november)
    assert not sixty.is_testable(primary, dt.date(2017, 12, 2))


@pytest.mark.parametrize("fault", ["", "one class", "history"])
def test_without_labels_or_history_for_a_step_a_horizon_has_its_own_model(
    context, monkeypatch, fault
):
    said: list[str] = []
    context.progress.say = said.append

    def check_labels(*_):
        if fault == "one class":
            raise ModelGateError("features.labels: all 9 rows have churned = 1.")

    monkeypatch.setattr(horizon_steps, "check_labels", check_labels)
    monkeypatch.setattr(horizon_steps, "keep_undecided", lambda rows, definition: rows)
    monkeypatch.setattr(horizon_steps, "served_facts", lambda *_, **facts: facts)
    facts = {"horizon_days": 60, "definition": "inactivity"}
    data = SimpleNamespace(
        context=context, rows=None, plan=Schedule((), TEST, TEST), metadata=facts
    )
    primary = fits(30, None, {} if fault == "history" else {TEST: 0.5})
    step = horizon_steps.step_from(data, 30, chosen=None, primary=primary, before=None)
    if not fault:
        assert step.horizon == 60 and step.fits.data.metadata["given_horizon_days"] == 30
        return
    assert step is None
    reasons = {
        "one class": "features.labels: all 9 rows have churned = 1.",
        "history": "the history before 2017-11-02 is too short to test both",
    }
    assert said == [
        "      horizon of 60 days: has a model of its own and does not continue that of 30 days: "
        + reasons[fault]
    ]
