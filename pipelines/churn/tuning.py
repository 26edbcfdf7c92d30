"""Hyperparameter search of a learner. Every trial is a nested MLflow run."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import mlflow

from models.learners import Learner
from models.portable import Scorer
from models.search import Report, Trial, search
from pipelines.churn.candidates import (
    Candidate,
    TrainingData,
    fitted,
    learner_of,
    log_odds,
    roc_auc,
)
from pipelines.churn.dataset import sample
from pipelines.churn.fit_rows import before
from transforms.slices import at_date


def searched(
    data: TrainingData, name: str, *, parent: str, earlier: Sequence[dt.date]
) -> Candidate:
    """Search the parameters of a learner on the dates before the test date, and fit the best.

    The search is a nested MLflow run of `parent`. A trial is evaluated on each date in `earlier`
    (`earlier_dates`) by a model of the dates before it, and then on the validation date, whose ROC
    AUC is the trial's value. It can be pruned after each earlier date. Without earlier dates every
    trial runs to the end.
    """
    training = data.context.settings.training
    start, trials = training.starts[name], training.plan.trials.get(name, 1)  # type: ignore[index, call-overload]
    # Forests are large, so only the scorer of the best trial so far is kept.
    best_scorer: Scorer | None = None
    best_value = -math.inf
    seconds: dict[str, float] = {}

    def objective(parameters: Mapping[str, Any], report: Report) -> float:
        began = time.perf_counter()
        try:
            return judged(parameters, report)
        finally:
            seconds[repr(parameters)] = time.perf_counter() - began

    def judged(parameters: Mapping[str, Any], report: Report) -> float:
        nonlocal best_scorer, best_value
        learner = learner_of(data.context, name, parameters)
        for day in earlier:
            report(judged_at(data, learner, day))
        design = data.design(learner)
        scorer = learner.fit(design.split("train"), design.names, "churned")
        value = roc_auc(data.held_out_label, log_odds(scorer, data.matrix(design)))
        # As in `search`, ties go to the earliest trial.
        if value > best_value:
            best_scorer, best_value = scorer, value
        return value

    # The parent is given explicitly, because a search in its own thread has no active run.
    with mlflow.start_run(run_name=name, nested=True, parent_run_id=parent) as active:

        def finished(trial: Trial) -> None:
            with mlflow.start_run(run_name=f"{name}-trial-{trial.number}", nested=True):
                mlflow.log_params(dict(trial.parameters))
                mlflow.set_tag("is_pruned", str(trial.value is None))
                mlflow.log_metric("seconds", seconds[repr(trial.parameters)])
                if trial.value is not None:
                    mlflow.log_metric("validation.roc_auc", trial.value)

        progress = data.context.progress
        with progress.part(f"{name}, trial", of=max(trials, 1)) as part:

            def counted(trial: Trial) -> None:
                finished(trial)
                part.next()

            best = search(
                training.space(name),
                start,
                max(trials, 1),
                seed=training.seed,
                objective=objective,
                finished=counted,
            )
        with progress.part(f"{name}, calibration and last fit"):
            candidate = fitted(data, name, best.parameters, tuned=best_scorer)
        candidate = dataclasses.replace(
            candidate,
            seconds=candidate.seconds + seconds[repr(best.parameters)],
            run_id=active.info.run_id,
        )
        mlflow.log_params(dict(candidate.parameters))
        mlflow.log_metrics(
            {
                "validation.roc_auc": candidate.validation_roc_auc,
                "training_seconds": candidate.seconds,
            }
            | {f"threshold.{k}": v for k, v in candidate.thresholds.items()}
        )
        mlflow.log_text(candidate.model.to_json(), "portable/portable.json")
    return candidate


def earlier_dates(data: TrainingData) -> list[dt.date]:
    """The train dates on which a trial is evaluated before the validation date.

    These are the last folds - 1 train dates (`folds`: a setting of the search), without the first
    train date, which has no rows before it. A date is skipped, with a warning, if its rows or the
    rows before it have only one class: then it has no ROC AUC or no model.
    """
    training = data.context.settings.training
    folds = training.plan.folds
    days = list(data.plan.train[1:])[-(folds - 1) :] if folds > 1 else []
    if not days:
        return []
    train = data.rows.where("split = 'train'")
    seen = train.select("as_of", "churned").distinct().collect()  # at most two rows per train date
    usable = []
    for day in days:
        on_day = {r["churned"] for r in seen if r["as_of"] == day}
        before = {r["churned"] for r in seen if r["as_of"] < day}
        if len(on_day) == len(before) == 2:
            usable.append(day)
    if len(usable) < len(days):
        lacking = ", ".join(str(day) for day in days if day not in usable)
        data.context.progress.warn(
            f"training.searches.{training.search}.folds = {folds}: trials are not evaluated on "
            f"{lacking}, because its rows or the rows before it have only one class. "
            "Set folds lower."
        )
    return usable


def judged_at(data: TrainingData, learner: Learner, day: dt.date) -> float:
    """ROC AUC on a train date of a model that is fitted on the train dates before it."""
    design = data.design(learner)
    scorer = learner.fit(before(design.split("train"), day), design.names, "churned")
    judged = sample(at_date(data.rows, day), "train")
    matrix = design.encoder.encode(judged[list(design.encoder.feature_names)])
    return roc_auc(judged["churned"].to_numpy(dtype=float), log_odds(scorer, matrix))
