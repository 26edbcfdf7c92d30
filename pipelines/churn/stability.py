"""How much a learner's figures move: fits on all customers but a fold, each fold once."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.metrics import Estimate
from pipelines.churn.candidates import Candidate, TrainingData, learner_of, log_odds, roc_auc
from pipelines.churn.dataset import MOST_ROWS
from pipelines.churn.evaluation import result_row
from runtime.errors import ModelGateError


def stability(data: TrainingData, candidate: Candidate) -> list[dict[str, Any]]:
    """Rows `cv_roc_auc_<mean, sd, min, max, variance, stability>` of a candidate.

    Customers fall into folds by the hash of their id, so that no customer is on both sides; the
    dates are those before the test date. stability = 1 - sd / mean. A fold of one class has no
    ROC AUC and is left out, with a warning.
    """
    from pyspark.sql import functions as F

    folds = data.context.settings.training.stability.folds
    fold = fold_of(folds)
    learner = learner_of(data.context, candidate.name, candidate.parameters)
    design = data.design(learner)
    frame = design.split("train", "validation")
    placed = data.rows.select("*", fold.cast("int").alias("fold"))
    # At most MOST_ROWS rows, the same customers for every fold.
    judged = placed.orderBy(F.xxhash64("customer_id", "as_of"), "customer_id").limit(MOST_ROWS)
    held = judged.toPandas()
    matrix = design.encoder.encode(held[list(design.encoder.feature_names)])
    label, where = held["churned"].to_numpy(dtype=float), held["fold"].to_numpy()

    def area(number: int) -> float:
        inside = where == number
        scorer = learner.fit(frame.where(fold != number), design.names, "churned")
        return roc_auc(label[inside], log_odds(scorer, matrix[inside]))

    with_both = folds_of_both(label, where, folds)
    if len(with_both) < folds:
        data.context.progress.warn(
            f"stability of {candidate.name}: {folds - len(with_both)} of {folds} folds hold one "
            "class only and are left out. Set training.stability.folds lower."
        )
    found = data.side_by_side(area, with_both)
    return [
        result_row(candidate.name, f"cv_roc_auc_{name}", Estimate(value), split="train")
        for name, value in spread(np.array(found)).items()
    ]


def fold_of(folds: int) -> Any:
    """A Column: the customer's fold, by the hash of the id."""
    from pyspark.sql import functions as F

    return F.pmod(F.xxhash64("customer_id"), F.lit(folds))


def folds_of_both(label: np.ndarray, fold: np.ndarray, folds: int) -> list[int]:
    """The folds whose customers are of both classes; ModelGateError where fewer than two are."""
    found = [n for n in range(folds) if len(np.unique(label[fold == n])) == 2]
    if len(found) < 2:
        raise ModelGateError(
            f"training.stability.folds = {folds}: {len(found)} of the folds hold customers of both "
            "classes, and a spread needs two. Set it lower, or leave training.stability.learners "
            "empty."
        )
    return found


def check_stability(data: TrainingData) -> None:
    """Stop before any fit where there are fewer customers than folds."""
    settings = data.context.settings.training
    if set(settings.stability.learners) & set(settings.learners):
        folds = settings.stability.folds
        check_folds(data.rows.select(fold_of(folds)).distinct().count(), folds)


def check_folds(found: int, folds: int) -> None:
    """Every fold needs a customer."""
    if found < folds:
        raise ModelGateError(
            f"training.stability.folds = {folds}: customers fall into {found} folds only, since "
            f"there are too few of them. Set it to at most {max(found, 2)}."
        )


def spread(values: np.ndarray) -> dict[str, float]:
    """Of the folds' figures; sd and variance with n - 1."""
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    return {
        "mean": mean,
        "sd": sd,
        "min": float(values.min()),
        "max": float(values.max()),
        "variance": sd**2,
        "stability": 1 - sd / mean,
    }
