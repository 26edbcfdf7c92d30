"""Stability of a learner: ROC AUC in cross-validation by customer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from models.metrics import Estimate
from pipelines.churn.candidates import Candidate, TrainingData, learner_of, log_odds, roc_auc
from pipelines.churn.dataset import MOST_ROWS
from pipelines.churn.evaluation import result_row
from pipelines.churn.fit_rows import folded, outside_fold
from runtime.errors import ModelGateError
from runtime.wording import plural, verb
from transforms.training_samples import hash_sample, with_fold


def stability(data: TrainingData, candidate: Candidate) -> list[dict[str, Any]]:
    """Rows `cv_roc_auc_<mean, sd, min, max, variance, stability>` of a candidate.

    A hash of the customer id decides the fold, so no customer is in both the fit and the test. The
    dates are those before the test date. stability = 1 - sd / mean. A fold with only one class has
    no ROC AUC and is left out, with a warning.
    """
    folds = data.context.settings.training.stability.folds
    learner = learner_of(data.context, candidate.name, candidate.parameters)
    design = data.design(learner)
    rows = folded(design.split("train", "validation"), folds)
    # At most MOST_ROWS rows, the same customers for every fold.
    held: pd.DataFrame = hash_sample(with_fold(data.rows, folds), MOST_ROWS).toPandas()
    matrix = design.encoder.encode(held[list(design.encoder.feature_names)])
    label, fold = held["churned"].to_numpy(dtype=float), held["fold"].to_numpy()

    def area(number: int) -> float:
        inside = fold == number
        scorer = learner.fit(outside_fold(rows, number), design.names, "churned")
        return roc_auc(label[inside], log_odds(scorer, matrix[inside]))

    with_both = folds_of_both(label, fold, folds)
    if len(with_both) < folds:
        data.context.progress.warn(
            f"stability of {candidate.name}: {folds - len(with_both)} of {plural(folds, 'fold')} "
            "left out, with only one class. Set training.stability.folds lower."
        )
    areas = np.array(data.side_by_side(area, with_both, f"{candidate.name}, stability fold"))
    return [
        result_row(candidate.name, f"cv_roc_auc_{name}", Estimate(value), split="train")
        for name, value in spread(areas).items()
    ]


def folds_of_both(label: np.ndarray, fold: np.ndarray, folds: int) -> list[int]:
    """The folds that hold both classes. ModelGateError if there are fewer than two."""
    with_both = [n for n in range(folds) if len(np.unique(label[fold == n])) == 2]
    if len(with_both) < 2:
        raise ModelGateError(
            f"training.stability.folds = {folds}: only {len(with_both)} of the folds hold both "
            "classes, but at least two are needed. Set it lower, or leave "
            "training.stability.learners empty."
        )
    return with_both


def check_stability(data: TrainingData) -> None:
    """Raise ModelGateError before any fit if there are fewer customers than folds."""
    settings = data.context.settings.training
    if set(settings.stability.learners) & {*settings.learners, "chosen"}:
        folds = settings.stability.folds
        check_folds(with_fold(data.rows, folds).select("fold").distinct().count(), folds)


def check_folds(filled: int, folds: int) -> None:
    """Raise ModelGateError if a fold has no customer. filled: number of folds with any."""
    if filled < folds:
        raise ModelGateError(
            f"training.stability.folds = {folds}: there are too few customers, only "
            f"{plural(filled, 'fold')} {verb(filled, 'has', 'have')} any. Set it to at most "
            f"{max(filled, 2)}."
        )


def spread(values: np.ndarray) -> dict[str, float]:
    """Mean, spread and stability of the folds' figures. sd and variance use n - 1."""
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    return {
        "mean": mean,
        "sd": sd,
        "min": float(values.min()),
        "max": float(values.max()),
        "variance": sd**2,
        "stability": 1 - sd / mean,
    }
