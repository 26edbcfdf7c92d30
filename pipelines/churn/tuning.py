"""The search of a learner's parameters, every trial a nested MLflow run."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import time
from collections.abc import Sequence
from typing import Any

from pipelines.churn.candidates import (
    Candidate,
    TrainingData,
    fitted,
    learner_of,
    log_odds,
    roc_auc,
)


def searched(data: TrainingData, parent: str, earlier: Sequence[dt.date], name: str) -> Candidate:
    """The best parameters on the dates before the test date, fitted; a run under `parent`.

    A trial is judged on each of `earlier` (`earlier_dates`), by a model of the dates before it, and
    on the validation date, whose ROC AUC is the trial's. It may be stopped after each date but the
    last, so that without earlier ones all are fitted to the end.
    """
    import mlflow

    from models.search import Trial, search

    training = data.context.settings.training
    start, trials = training.starts[name], training.plan.trials.get(name, 1)  # type: ignore[index, call-overload]
    # Forests are large: the model of the best trial so far alone is kept.
    best_scorer, best_value = None, -math.inf
    taken: dict[str, float] = {}

    def objective(parameters: Any, report: Any) -> float:
        began = time.perf_counter()
        try:
            return judged(parameters, report)
        finally:
            taken[repr(parameters)] = time.perf_counter() - began

    def judged(parameters: Any, report: Any) -> float:
        nonlocal best_scorer, best_value
        learner = learner_of(data.context, name, parameters)
        for day in earlier:
            report(judged_at(data, learner, day))
        design = data.design(learner)
        scorer = learner.fit(design.split("train"), design.names, "churned")
        value = roc_auc(data.held_out_label, log_odds(scorer, data.matrix(design)))
        # As `search` chooses: of equal trials the earlier.
        if value > best_value:
            best_scorer, best_value = scorer, value
        return value

    # The parent is named: a search in a thread of its own finds no active run there.
    with mlflow.start_run(run_name=name, nested=True, parent_run_id=parent) as active:

        def finished(trial: Trial) -> None:
            with mlflow.start_run(run_name=f"{name}-trial-{trial.number}", nested=True):
                mlflow.log_params(dict(trial.parameters))
                mlflow.set_tag("is_pruned", str(trial.value is None))
                mlflow.log_metric("seconds", taken[repr(trial.parameters)])
                if trial.value is not None:
                    mlflow.log_metric("validation.roc_auc", trial.value)

        best = search(
            training.space(name), start, max(trials, 1), training.seed, objective, finished
        )
        found = fitted(data, name, best.parameters, best_scorer)
        found = dataclasses.replace(
            found, seconds=found.seconds + taken[repr(best.parameters)], run_id=active.info.run_id
        )
        mlflow.log_params(dict(found.parameters))
        mlflow.log_metrics(
            {"validation.roc_auc": found.validation_roc_auc, "training_seconds": found.seconds}
            | {f"threshold.{k}": v for k, v in found.thresholds.items()}
        )
        mlflow.log_text(found.model.to_json(), "portable/portable.json")
    return found


def earlier_dates(data: TrainingData) -> list[dt.date]:
    """Train dates that judge a trial beside the validation date: with conf's f folds the last f - 1
    that have one before them.

    A date that gives no ROC AUC, or no model of the dates before it, for want of a class is left
    out, with a warning.
    """
    training = data.context.settings.training
    folds = training.plan.folds
    days = list(data.plan.train[1:])[-(folds - 1) :] if folds > 1 else []
    if not days:
        return []
    train = data.rows.where("split = 'train'")
    seen = train.select("as_of", "churned").distinct().collect()  # at most two rows a train date
    found = []
    for day in days:
        here = {r["churned"] for r in seen if r["as_of"] == day}
        before = {r["churned"] for r in seen if r["as_of"] < day}
        if len(here) == len(before) == 2:
            found.append(day)
    if len(found) < len(days):
        lacking = ", ".join(str(day) for day in days if day not in found)
        data.context.progress.warn(
            f"training.searches.{training.search}.folds = {folds}: no trial is judged on "
            f"{lacking}, where all rows, or all of the train dates before, have one class. "
            "Set folds lower."
        )
    return found


def judged_at(data: TrainingData, learner: Any, day: dt.date) -> float:
    """ROC AUC at a train date of a model of the train dates before it."""
    from pyspark.sql import functions as F

    design = data.design(learner)
    train = design.split("train")
    scorer = learner.fit(train.where(F.col("as_of") < F.lit(day)), design.names, "churned")
    from pipelines.churn.dataset import sample

    judged = sample(data.rows.where(F.col("as_of") == F.lit(day)), "train")
    matrix = design.encoder.encode(judged[list(design.encoder.feature_names)])
    return roc_auc(judged["churned"].to_numpy(dtype=float), log_odds(scorer, matrix))
