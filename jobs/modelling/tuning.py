"""The search of a learner's parameters, every trial a nested MLflow run."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from jobs.modelling.candidates import (
    Candidate,
    TrainingData,
    fitted,
    learner_of,
    log_odds,
    roc_auc,
)


def searched(data: TrainingData, parent: str, name: str) -> Candidate:
    """The best parameters on the dates before the test date, fitted; a run under `parent`.

    With f folds a trial is judged on each of the last f dates, by a model of the dates before it;
    the last is the validation date, and its ROC AUC is the trial's. A trial may be stopped after
    each date but the last, so that with one fold all are fitted to the end.
    """
    import mlflow

    from models.search import Trial, search

    training = data.context.settings.training
    start, trials = training.starts[name], training.plan.trials.get(name, 1)  # type: ignore[index, call-overload]
    scorers: dict[str, Any] = {}
    taken: dict[str, float] = {}

    def objective(parameters: Any, report: Any) -> float:
        began = time.perf_counter()
        try:
            return judged(parameters, report)
        finally:
            taken[repr(parameters)] = time.perf_counter() - began

    def judged(parameters: Any, report: Any) -> float:
        learner = learner_of(data.context, name, parameters)
        for day in earlier_dates(data, training.plan.folds):
            report(judged_at(data, learner, day))
        design = data.design(learner)
        scorer = learner.fit(design.split("train"), design.names, "churned")
        scorers[repr(parameters)] = scorer
        return roc_auc(data.held_out_label, log_odds(scorer, data.matrix(design)))

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
        found = fitted(data, name, best.parameters, scorers[repr(best.parameters)])
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


def earlier_dates(data: TrainingData, folds: int) -> list[Any]:
    """Train dates that judge a trial beside the validation date; each needs one before it."""
    return list(data.plan.train[1:])[-(folds - 1) :] if folds > 1 else []


def judged_at(data: TrainingData, learner: Any, day: Any) -> float:
    """ROC AUC at a train date of a model of the train dates before it."""
    from pyspark.sql import functions as F

    design = data.design(learner)
    train = design.split("train")
    scorer = learner.fit(train.where(F.col("as_of") < F.lit(day)), design.names, "churned")
    from jobs.modelling.rows import sample

    judged = sample(data.rows.where(F.col("as_of") == F.lit(day)), "train")
    matrix = design.encoder.encode(judged[list(design.encoder.feature_names)])
    return roc_auc(judged["churned"].to_numpy(dtype=float), log_odds(scorer, matrix))
