"""Fit a fraud model on labelled payments, or an anomaly score where there are too few labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xgboost as xgb
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score

from models.encoding import FeatureEncoder
from models.fraud.features import CATEGORY, NUMERIC
from models.fraud.scoring import ANOMALY, MODEL
from models.portable import PortableModel
from models.tree_ensemble import TreeEnsemble

# Fixed before any figure was measured. Shallow trees and a small step: frauds are few.
PARAMETERS = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "max_depth": 4,
    "eta": 0.05,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
    "min_child_weight": 1.0,
    "base_score": 0.5,
    "nthread": 1,
}
ROUNDS = 300
ISOLATION_TREES, ISOLATION_SAMPLE = 200, 256
# Blocking needs so many payments above the threshold on the validation days.
FEWEST_BLOCKED = 20


@dataclass(frozen=True)
class Capacity:
    """How alerts are limited. days: length of the validation period."""

    reviews_per_day: float
    days: int
    block_precision: float


def boosted(
    matrix: NDArray[np.float32], label: NDArray[np.int64], *, seed: int, names: Sequence[str]
) -> TreeEnsemble:
    """Boosted trees on the encoded rows."""
    rows = xgb.DMatrix(matrix, label, feature_names=list(names))
    return TreeEnsemble.from_xgboost(xgb.train({**PARAMETERS, "seed": seed}, rows, ROUNDS))


def supervised(train: Mapping[str, NDArray[Any]], label: NDArray[np.int64], *, seed: int) -> Any:
    """A model of the features of payments with their labels. Its thresholds are not set."""
    encoder = FeatureEncoder(NUMERIC, ((CATEGORY, categories(train)),))
    matrix = encoder.encode(frame_of(train))
    trees = boosted(matrix, label, seed=seed, names=encoder.column_names)
    return PortableModel(encoder, trees, metadata={"basis": MODEL})


def anomaly(train: Mapping[str, NDArray[Any]], *, seed: int) -> PortableModel:
    """An isolation forest (Liu, Ting and Zhou 2008). Its thresholds are not set.

    score = mean over the trees of 2^(-depth / c(sample)), in (0, 1). Null becomes the median.
    """
    frame = frame_of(train)
    medians = tuple(float(np.nan_to_num(frame[n].median())) for n in NUMERIC)
    tailed = tuple(n for n in NUMERIC if not n.startswith(("is_", "night")))
    # `logged` comes before `fill`, so the medians are logged too.
    fill = tuple(
        float(np.log1p(m)) if n in tailed else m for n, m in zip(NUMERIC, medians, strict=True)
    )
    encoder = FeatureEncoder(NUMERIC, ((CATEGORY, categories(train)),), fill=fill, logged=tailed)
    forest = IsolationForest(
        n_estimators=ISOLATION_TREES, max_samples=ISOLATION_SAMPLE, random_state=seed, n_jobs=1
    ).fit(encoder.encode(frame))
    return PortableModel(encoder, isolation_trees(forest), metadata={"basis": ANOMALY})


def with_thresholds(
    model: PortableModel,
    recent: NDArray[np.float64],
    capacity: Capacity,
    *,
    held: NDArray[np.float64] | None = None,
    label: NDArray[np.int64] | None = None,
) -> PortableModel:
    """The model with its thresholds.

    review_from: as many of the recent scores reach it as people can look at. block_from: the lowest
    score of held above which the share of fraud is at least block_precision; None: there is none,
    or there are no labels.
    """
    most = min(len(recent), int(capacity.reviews_per_day * capacity.days))
    review = float(np.sort(recent)[-most]) if most else 1.0
    block = None
    if held is not None and label is not None:
        ordered = np.argsort(-held, kind="stable")
        # At the last of tied scores, since all of them are blocked.
        ends = np.append(np.diff(held[ordered]) != 0, True)
        precision = np.cumsum(label[ordered]) / np.arange(1, len(held) + 1)
        good = np.flatnonzero(ends & (precision >= capacity.block_precision))
        if len(good) and good[-1] + 1 >= FEWEST_BLOCKED:
            block = max(float(held[ordered[good[-1]]]), review)
    facts = {**model.metadata, "review_from": review, "block_from": block}
    return replace(model, threshold=review, metadata=facts)


def average_precision(label: NDArray[np.int64], score: NDArray[np.float64]) -> float:
    """Area under precision and recall; NaN if the labels have one class."""
    both = 0 < label.sum() < len(label)
    return float(average_precision_score(label, score)) if both else float("nan")


def recall_at(
    label: NDArray[np.int64], score: NDArray[np.float64], false_positives: float
) -> float:
    """The share of fraud above the score that this share of the other payments reaches or exceeds.

    >>> recall_at(np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.5, 0.9]), 0.5)
    1.0
    >>> recall_at(np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.5, 0.9]), 0.0)
    0.5
    """
    others = np.sort(score[label == 0])[::-1]
    allowed = int(false_positives * len(others))
    limit = others[allowed] if allowed < len(others) else -np.inf
    return float((score[label == 1] > limit).mean())


def categories(train: Mapping[str, NDArray[Any]]) -> tuple[str, ...]:
    """The known merchant categories, sorted."""
    return tuple(sorted({c for c in train[CATEGORY] if c is not None}))


def frame_of(made: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """The features as a frame."""
    return pd.DataFrame({n: made[n] for n in (*NUMERIC, CATEGORY)})


def isolation_trees(forest: IsolationForest) -> TreeEnsemble:
    """The forest as flat arrays, with 2^(-depth / c) in its leaves."""
    parts: dict[str, list[NDArray[Any]]] = {n: [] for n in _PARTS}
    start = [0]
    scale = _mean_depth(np.array([min(forest.max_samples_, ISOLATION_SAMPLE)]))[0]
    for estimator in forest.estimators_:
        tree, shift = estimator.tree_, start[-1]
        left, right = tree.children_left, tree.children_right
        is_leaf = left < 0
        depth = np.zeros(len(left))
        for node in np.flatnonzero(~is_leaf):  # parents come before their children
            depth[left[node]] = depth[right[node]] = depth[node] + 1
        length = depth + _mean_depth(tree.n_node_samples)
        parts["feature"].append(np.where(is_leaf, -1, tree.feature))
        parts["threshold"].append(np.where(is_leaf, 0.0, tree.threshold))
        parts["left"].append(np.where(is_leaf, -1, left + shift))
        parts["right"].append(np.where(is_leaf, -1, right + shift))
        parts["default_left"].append(np.zeros(len(left), dtype=bool))
        parts["value"].append(np.where(is_leaf, 2.0 ** (-length / scale), 0.0))
        parts["cover"].append(tree.n_node_samples.astype(np.float64))
        start.append(shift + len(left))
    joined: dict[str, Any] = {n: np.concatenate(arrays) for n, arrays in parts.items()}
    return TreeEnsemble(
        **joined,
        tree_start=np.array(start),
        base=0.0,
        columns=forest.n_features_in_,
        scale="mean",
        inclusive=True,
    )


_PARTS = ("feature", "threshold", "left", "right", "default_left", "value", "cover")


def _mean_depth(count: NDArray[Any]) -> NDArray[np.float64]:
    """c(n): mean depth of an unsuccessful search in a binary tree of n rows (equation 1)."""
    n = count.astype(np.float64)
    usable = np.maximum(n, 3.0)
    mean = 2 * (np.log(usable - 1) + np.euler_gamma) - 2 * (usable - 1) / usable
    return np.where(n > 2, mean, np.where(n == 2, 1.0, 0.0))
