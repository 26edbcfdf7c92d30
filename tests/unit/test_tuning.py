"""What judges a trial: with one fold the validation date alone, with more earlier dates too."""

from __future__ import annotations

import contextlib
import datetime as dt
from types import SimpleNamespace

import numpy as np
import pytest

from jobs.modelling import tuning
from jobs.runtime.settings import load

DAYS = [dt.date(2017, month, 1) for month in range(1, 6)]
SPACE = {"logistic_regression": {"regParam": {"low": 0.01, "high": 1.0, "log": False}}}
STARTS = {"logistic_regression": {"regParam": 0.2}}
LABEL = np.array([0.0, 0.0, 1.0, 1.0])


class Figures:
    """A learner whose fits are only counted: a regParam below .5 ranks rightly, another wrongly."""

    name, takes_null = "logistic_regression", True

    def __init__(self, parameters):
        self.parameters = parameters

    def fit(self, frame, names, label):
        frame.append(self.parameters["regParam"])
        return self

    def predict(self, matrix):
        return LABEL if self.parameters["regParam"] < 0.5 else LABEL[::-1]


@pytest.fixture
def tuned(monkeypatch):
    """A function: folds -> (regParam of every fit on all train dates, tags and metrics of trials)."""
    logged = []

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
        return 1 - learner.parameters["regParam"]

    def fitted(data, name, parameters, scorer):
        return tuning.Candidate(name, parameters, model, 1.0, LABEL, {}, 0.0, 0.0)

    model = SimpleNamespace(to_json=lambda: "{}")
    monkeypatch.setattr(tuning, "learner_of", learner)
    monkeypatch.setattr(tuning, "judged_at", judged_at)
    monkeypatch.setattr(tuning, "fitted", fitted)

    def tune(folds):
        searches = {"x": {"folds": folds, "trials": {"logistic_regression": 9}}}
        training = {"search": "x", "searches": searches, "spaces": SPACE, "starts": STARTS}
        training["learners"] = ["logistic_regression"]
        settings = load("demo", training=training)
        fits = []
        data = SimpleNamespace(
            context=SimpleNamespace(settings=settings),
            plan=SimpleNamespace(train=DAYS),
            design=lambda learner: SimpleNamespace(split=lambda *_: fits, names=[]),
            held_out_label=LABEL,
            matrix=lambda design: None,
        )
        logged.clear()
        tuning.searched(data, "parent", "logistic_regression")
        return fits, [one for one in logged if "trial" in one["run"]]

    return tune


def test_with_one_fold_every_trial_is_fitted_to_the_end_and_logged(tuned):
    fits, trials = tuned(folds=1)
    assert len(fits) == len(trials) == 9
    assert {one["is_pruned"] for one in trials} == {"False"}
    # Trials that rank worse than the median have their figure all the same.
    assert {one["validation.roc_auc"] for one in trials} == {0.0, 1.0}


def test_with_two_folds_a_trial_that_falls_behind_is_stopped_before_its_last_fit(tuned):
    fits, trials = tuned(folds=2)
    stopped = [one for one in trials if one["is_pruned"] == "True"]
    assert stopped and len(fits) == 9 - len(stopped)
    assert not any("validation.roc_auc" in one for one in stopped)


def test_earlier_dates_are_the_last_train_dates_that_have_one_before_them():
    data = SimpleNamespace(plan=SimpleNamespace(train=DAYS))
    assert tuning.earlier_dates(data, 1) == []
    assert tuning.earlier_dates(data, 3) == DAYS[-2:]
    assert tuning.earlier_dates(data, 99) == DAYS[1:]
