"""Simulated trials with known effects, and the ranking and verdict of the product on them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.uplift import metrics
from models.uplift.boosting import LocalBoosting

BOOSTED = LocalBoosting(
    {"n_estimators": 60, "max_depth": 3, "learning_rate": 0.08, "min_child_weight": 20}, 1
)
NAMES, ARMS, SHARES = ["x0", "x1", "x2"], ("one", "two"), (1 / 3, 1 / 3, 1 / 3)


def trial(rows, effect, seed=1):
    """(rows, true effects): two arms and a control group of one third each.

    The effect of arm 1 is `effect(x)`. Arm 2 has no effect.
    """
    draw = np.random.default_rng(seed)
    x = draw.uniform(-1, 1, (rows, 3)).astype(np.float32)
    arm = draw.integers(0, 3, rows)
    fall = np.column_stack([np.zeros(rows), effect(x), np.zeros(rows)])
    risk = 0.5 + 0.1 * x[:, 1] - fall[np.arange(rows), arm]
    frame = pd.DataFrame(x, columns=["x0", "x1", "x2"]).assign(
        arm=arm.astype(float),
        fold=draw.integers(0, 2, rows).astype(float),
        churned=(draw.random(rows) < risk).astype(float),
        e_0=1 / 3,
        e_1=1 / 3,
        e_2=1 / 3,
    )
    return frame, fall[:, 1:]


def ranked(rows, effect, arm=1, samples=200, seed=7):
    both = rows["arm"].isin([0, arm]).to_numpy()
    churned = rows["churned"].to_numpy()[both]
    treated = (rows["arm"].to_numpy()[both] == arm).astype(float)
    return metrics.ranking(effect[both], churned, treated, samples=samples, seed=seed)


def verdict_of(rows, effect, arm=1, samples=200):
    both = rows["arm"].isin([0, arm])
    mean = metrics.average_effect(rows["churned"][both], rows["arm"][both] == arm)
    qini = ranked(rows, effect, arm, samples).qini
    return metrics.verdict(qini, mean).partition(":")[0]
