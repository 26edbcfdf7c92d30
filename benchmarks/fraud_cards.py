"""python -m benchmarks.fraud_cards FILE: the tabular model alone on real card frauds.

FILE: 492 frauds and 1,230 genuine payments with columns V1..V28, Amount and Class (a sample of the
data of ULB and Worldline). It is not copied. Nothing was tuned on it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.measure import Section, write
from models.fraud.training import boosted, isolation_trees, recall_at

FOLDS, DRAWS, SEED = 5, 1_000, 1
Matrix = NDArray[np.float32]
Label = NDArray[np.int64]


def trees(x: Matrix, y: Label, asked: Matrix) -> NDArray[np.float64]:
    """The supervised model of models/fraud."""
    names = [str(k) for k in range(x.shape[1])]
    return boosted(x, y, seed=SEED, names=names).predict(asked)


def forest(x: Matrix, y: Label, asked: Matrix) -> NDArray[np.float64]:
    """The anomaly score of models/fraud. It does not see the labels."""
    fit = IsolationForest(n_estimators=200, max_samples=256, random_state=SEED, n_jobs=1).fit(x)
    return isolation_trees(fit).predict(asked)


def logistic(x: Matrix, y: Label, asked: Matrix) -> NDArray[np.float64]:
    """Logistic regression of scikit-learn with its defaults."""
    fit = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000)).fit(x, y)
    return np.asarray(fit.decision_function(asked))


def amount(x: Matrix, y: Label, asked: Matrix) -> NDArray[np.float64]:
    """The amount alone, the last column."""
    return asked[:, -1].astype(np.float64)


WHO: dict[str, Callable[[Matrix, Label, Matrix], NDArray[np.float64]]] = {
    "boosted trees, as train_fraud": trees,
    "logistic regression": logistic,
    "anomaly score, as train_fraud": forest,
    "amount alone": amount,
}


def run(file: Path) -> Section:
    """Five folds, each figure the mean of the folds; intervals by resampling rows within folds."""
    rows = pd.read_csv(file)
    x = rows[[*(f"V{k}" for k in range(1, 29)), "Amount"]].to_numpy(np.float32)
    y = rows["Class"].to_numpy(np.int64)
    section = Section(
        "Fraud model on real card payments",
        f"{y.sum()} frauds and {(1 - y).sum():,} genuine payments, V1 to V28 and Amount, {FOLDS} "
        f"stratified folds. Mean of the folds; 95 % intervals from {DRAWS:,} resamplings of the "
        "rows within each fold. The data has no cards, devices or windows, and its share of fraud "
        "is not the real one. `python -m benchmarks.fraud_cards FILE`.",
        ("who", "ROC AUC", "95 %", "recall at 1 % false positives", "95 %"),
    )
    cuts = [*StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(x, y)]
    first = None
    for name, score_of in WHO.items():
        folds = [(y[test], score_of(x[train], y[train], x[test])) for train, test in cuts]
        figures = [_figures(folds), *(_figures(_resampled(folds, n)) for n in range(DRAWS))]
        (auc, recall), low, high = figures[0], *np.percentile(figures[1:], (2.5, 97.5), axis=0)
        first = first or auc
        section.add(
            name,
            f"{auc:.4f}",
            f"{low[0]:.4f} to {high[0]:.4f}",
            f"{recall:.3f}",
            f"{low[1]:.3f} to {high[1]:.3f}",
        )
    section.reach("ROC AUC of boosted trees", first or 0.0, 0.975)
    return section


def _figures(folds: list[tuple[Label, NDArray[np.float64]]]) -> tuple[float, float]:
    return (
        float(np.mean([roc_auc_score(y, s) for y, s in folds])),
        float(np.mean([recall_at(y, s, 0.01) for y, s in folds])),
    )


def _resampled(folds: list[tuple[Label, Any]], number: int) -> list[tuple[Label, Any]]:
    rng = np.random.default_rng(number)
    drawn = []
    for y, s in folds:
        rows = np.concatenate(
            [rng.choice(places := np.flatnonzero(y == c), len(places)) for c in (0, 1)]
        )
        drawn.append((y[rows], s[rows]))
    return drawn


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fraud_cards", description=__doc__)
    parser.add_argument("file", type=Path)
    began = time.perf_counter()
    section = run(parser.parse_args().file)
    section.how += f" It took {time.perf_counter() - began:.0f} s."
    write(section)


if __name__ == "__main__":
    main()
