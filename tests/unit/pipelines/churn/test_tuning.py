"""Evaluation of a trial: one fold uses the validation date only, more folds use earlier dates too."""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import math
import weakref
from types import SimpleNamespace

import numpy as np
import pytest

from models.encoding import FeatureEncoder
from pipelines.churn import tuning
from pipelines.churn.dataset import Design
from runtime.settings import load
from tests.unit.pipelines.churn.progress_double import silent

DAYS = [dt.date(2017, month, 1) for month in range(1, 6)]
SPACE = {"logistic_regression": {"regParam": {"low": 0.01, "high": 1.0, "log": False}}}
STARTS = {"logistic_regression": {"regParam": 0.2}}
LABEL = np.array([0.0, 0.0, 1.0, 1.0])
BOTH = [(day, churned) for day in DAYS for churned in (0, 1)]


def train_rows(frame, rows):
    """The train rows of (as_of, churned), each twice, and rows of a validation date."""
    train = [(day, "train", churned) for day, churned in rows] * 2
    later = [(dt.date(2017, 6, 1), "validation", churned) for churned in (0, 1)]
    return frame("as_of date, split string, churned int", [*train, *later])


class Figures:
    """A learner that only counts its fits. With regParam below .5 its ROC AUC is 1, else 0."""

    name, takes_null = "logistic_regression", True

    def __init__(self, parameters):
        self.parameters = parameters

    def fit(self, frame, names, label):
        frame.append(weakref.ref(self))
        return self

    def predict(self, matrix):
        return LABEL if self.parameters["regParam"] < 0.5 else LABEL[::-1]


@pytest.fixture
def tuned(monkeypatch, frame):
    """A function: folds, rows -> (fits, trials, warnings).

    fits: weak references to the fits on all train dates. trials: tags and metrics of each trial.
    `rows`: (as_of, churned) of the train dates.
    """
    logged, given = [], []

    @contextlib.contextmanager
    def run(run_name, **_):
        logged.append({"run": run_name})
        yield SimpleNamespace(info=SimpleNamespace(run_id="r"))

    import mlflow

    monkeypatch.setattr(mlflow, "start_run", run)
    monkeypatch.setattr(mlflow, "set_tag", lambda key, value: logged[-1].update({key: value}))
    monkeypatch.setattr(mlflow, "log_metric", lambda key, value: logged[-1].update({key: value}))
    for name in ("log_params", "log_metrics", "log_text"):
        monkeypatch.setattr(mlflow, name, lambda *_: None)

    def learner(context, name, parameters):
        return Figures(parameters)

    def judged_at(data, learner, day):
        judged = {churned for as_of, churned in given[-1] if as_of == day}
        return 1 - learner.parameters["regParam"] if len(judged) == 2 else math.nan

    def fitted(data, name, parameters, *, tuned):
        assert tuned.parameters == parameters
        return tuning.Candidate(name, parameters, model, 1.0, LABEL, {}, 0.0, 0.0)

    model = SimpleNamespace(to_json=lambda: "{}")
    monkeypatch.setattr(tuning, "learner_of", learner)
    monkeypatch.setattr(tuning, "judged_at", judged_at)
    monkeypatch.setattr(tuning, "fitted", fitted)

    def tune(folds, rows=BOTH):
        given.append(rows)
        searches = {"x": {"folds": folds, "trials": {"logistic_regression": 9}}}
        training = {"search": "x", "searches": searches, "spaces": SPACE, "starts": STARTS}
        training["learners"] = ["logistic_regression"]
        settings = load("demo", training=training)
        fits, warned = [], []

        def split(*splits):
            assert splits == ("train",), "a trial may not learn from the date that judges it"
            return fits

        data = SimpleNamespace(
            context=SimpleNamespace(settings=settings, progress=silent(warned)),
            plan=SimpleNamespace(train=DAYS),
            rows=train_rows(frame, rows),
            design=lambda learner: SimpleNamespace(split=split, names=[]),
            held_out_label=LABEL,
            matrix=lambda design: None,
        )
        logged.clear()
        earlier = tuning.earlier_dates(data)
        tuning.searched(data, "logistic_regression", parent="parent", earlier=earlier)
        return fits, [run for run in logged if "trial" in run["run"]], warned

    return tune


def test_with_one_fold_every_trial_is_fitted_to_the_end_and_logged(tuned):
    fits, trials, _ = tuned(folds=1)
    assert len(fits) == len(trials) == 9
    assert {trial["is_pruned"] for trial in trials} == {"False"}
    # Trials below the median have a value too.
    assert {trial["validation.roc_auc"] for trial in trials} == {0.0, 1.0}


def test_with_two_folds_a_trial_that_falls_behind_is_stopped_before_its_last_fit(tuned):
    fits, trials, _ = tuned(folds=2)
    stopped = [trial for trial in trials if trial["is_pruned"] == "True"]
    assert stopped and len(fits) == 9 - len(stopped)
    assert not any("validation.roc_auc" in trial for trial in stopped)


def test_an_earlier_date_of_one_class_stops_no_trial_and_is_named_once(tuned):
    # Nobody churned on the last train date, so it has no ROC AUC.
    rows = [(day, churned) for day, churned in BOTH if day < DAYS[-1] or not churned]
    fits, trials, warned = tuned(folds=2, rows=rows)
    assert len(fits) == len(trials) == 9
    assert {trial["is_pruned"] for trial in trials} == {"False"}
    assert warned == [
        "training.searches.x.folds = 2: trials are not evaluated on 2017-05-01, because its rows or "
        "the rows before it have only one class. Set folds lower."
    ]


def test_the_model_of_the_best_trial_alone_is_kept(tuned, monkeypatch):
    alive = []

    def fit(self, frame, names, label):
        gc.collect()
        alive.append(sum(ref() is not None for ref in frame))
        frame.append(weakref.ref(self))
        return self

    monkeypatch.setattr(Figures, "fit", fit)
    fits, _, _ = tuned(folds=1)
    # At each fit only the best scorer so far is alive. The current scorer is not in the list yet.
    assert alive == [0] + [1] * 8
    gc.collect()
    assert not any(ref() for ref in fits)


@pytest.fixture
def earlier(frame):
    """A function: folds, rows -> (the earlier dates, warnings)."""

    def of(folds, rows=BOTH):
        warned = []
        searches = {"x": {"folds": folds, "trials": {}}}
        settings = load("demo", training={"search": "x", "searches": searches})
        progress = SimpleNamespace(warn=warned.append)
        data = SimpleNamespace(
            context=SimpleNamespace(settings=settings, progress=progress),
            plan=SimpleNamespace(train=DAYS),
            rows=train_rows(frame, rows),
        )
        return tuning.earlier_dates(data), warned

    return of


def test_earlier_dates_are_the_last_train_dates_that_have_one_before_them(earlier):
    assert earlier(1) == ([], [])
    assert earlier(3) == (DAYS[-2:], [])
    assert earlier(99) == (DAYS[1:], [])


def test_a_date_with_one_class_before_it_judges_nothing(earlier):
    # Nobody churned before the third date, so no model can be fitted on the dates before it.
    rows = [(day, churned) for day, churned in BOTH if day >= DAYS[2] or not churned]
    days, warned = earlier(99, rows)
    assert days == DAYS[3:]
    assert warned == [
        "training.searches.x.folds = 99: trials are not evaluated on 2017-02-01, 2017-03-01, "
        "because its rows or the rows before it have only one class. Set folds lower."
    ]
    assert earlier(3, rows) == (DAYS[3:], [])


class DateLearner:
    """A learner that notes the rows of each fit and of each prediction."""

    takes_null = True

    def __init__(self):
        self.fitted_on, self.judged_on = [], []

    def fit(self, frame, names, label):
        self.fitted_on.append(sorted((r["split"], r["as_of"]) for r in frame.collect()))
        return self

    def predict(self, matrix):
        # The only feature is the number of the row.
        self.judged_on.append(matrix[:, 0].astype(int).tolist())
        return matrix[:, 0]


@pytest.mark.parametrize("place", [1, 2, 4])
def test_a_train_date_is_judged_by_a_model_of_the_dates_before_it(frame, row_hashes, place):
    """Two customers per date: c0 stays and c1 churns; `orders` numbers the rows."""
    dates = [*((day, "train") for day in DAYS), (dt.date(2017, 6, 1), "validation")]
    rows = frame(
        "customer_id string, as_of date, split string, churned int, orders double",
        [
            (f"c{churned}", day, split, churned, 2 * n + churned)
            for n, (day, split) in enumerate(dates)
            for churned in (0, 1)
        ],
    )
    learner = DateLearner()
    data = SimpleNamespace(
        rows=rows, design=lambda _: Design(rows, [], FeatureEncoder(("orders",)), [])
    )

    # The row of the customer who churned has the greater number: a perfect ranking.
    assert tuning.judged_at(data, learner, DAYS[place]) == 1.0

    assert learner.fitted_on == [[("train", day) for day in DAYS[:place] for _ in range(2)]]
    assert learner.judged_on == [[2 * place, 2 * place + 1]]
