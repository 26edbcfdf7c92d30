"""Logistic regression with elastic net in this process, with the objective of pyspark.ml.

    mean of log(1 + exp(-z)) for y = 1, log(1 + exp(z)) for y = 0, with z = intercept + x * w
    + regParam * (elasticNetParam * |w|_1 + (1 - elasticNetParam) / 2 * |w|_2^2)

The intercept has no penalty. The method is proximal Newton (Lee, Sun and Saunders 2014): a
quadratic model of the loss, minimised by coordinate descent with soft thresholds, then a line
search.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.compiled import compiled
from models.fit_limit import check_fit

Array = NDArray[np.float64]
# A step that lowers the objective by less than this ends the fit.
SMALLEST_GAIN = 1e-12
BLOCK_ROWS = 1 << 16
MOST_STEPS, MOST_HALVINGS, MOST_SWEEPS = 100, 30, 1_000
# A column whose second derivative is below this is constant: its coefficient stays 0, as in Spark.
LEAST_CURVATURE = 1e-12


def fit_logistic(
    x: NDArray[np.float32], label: NDArray[np.int64], *, lasso: float, ridge: float
) -> tuple[Array, float]:
    """Coefficients and intercept. lasso: weight of |w|_1; ridge: weight of |w|_2^2 / 2.

    Raises ValueError if the label has one class.
    """
    rate = float(label.mean()) if len(label) else 0.0
    if not 0 < rate < 1:
        raise ValueError(f"label: must have both classes, got only {int(rate)}. Add rows.")
    # Centered columns: a constant one becomes 0, and the intercept hardly depends on the others.
    means = x.mean(axis=0, dtype=np.float64)
    penalty = np.append(np.full(x.shape[1], lasso), 0.0)
    shrink = np.append(np.full(x.shape[1], ridge), 0.0)
    w = np.append(np.zeros(x.shape[1]), np.log(rate / (1 - rate)))
    sign = 1.0 - 2.0 * label
    z = np.full(len(x), w[-1])

    def objective(at: Array, scores: Array) -> float:
        loss = np.logaddexp(0.0, sign * scores).mean()
        return float(loss + np.dot(penalty, np.abs(at)) + np.dot(shrink, at**2) / 2)

    value = objective(w, z)
    for _ in range(MOST_STEPS):
        check_fit()
        p = expit(z)
        gradient, curvature = shrink * w, np.diag(shrink)
        for rows, block in _blocks(x, means):
            gradient += block.T @ (p[rows] - label[rows]) / len(x)
            curvature += (block.T * (p[rows] * (1 - p[rows]))) @ block / len(x)
        step = _step(gradient, curvature, w, penalty) - w
        along, size = np.concatenate([block @ step for _, block in _blocks(x, means)]), 1.0
        for _ in range(MOST_HALVINGS):
            tried = objective(w + size * step, z + size * along)
            if tried < value:
                break
            size /= 2
        else:
            break
        w, z, gain, value = w + size * step, z + size * along, value - tried, tried
        if gain < SMALLEST_GAIN:
            break
    coefficients = w[:-1]
    return coefficients, float(w[-1] - np.dot(means, coefficients))


def _blocks(x: NDArray[np.float32], means: Array) -> Iterator[tuple[slice, Array]]:
    """The rows as doubles, centered, with a last column of ones for the intercept.

    In blocks, because a double copy of the whole matrix would take twice its memory.
    """
    for start in range(0, len(x), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        centered = x[rows] - means
        yield rows, np.column_stack([centered, np.ones(len(centered))])


@compiled
def _step(gradient: Array, curvature: Array, w: Array, penalty: Array) -> Array:
    """The coefficients that minimise the quadratic model at w with the penalty on |w|."""
    new = w.copy()
    slope = gradient.copy()  # the gradient of the quadratic model at `new`
    for _ in range(MOST_SWEEPS):
        largest = 0.0
        for k in range(len(w)):
            bend = curvature[k, k]
            if bend < LEAST_CURVATURE:
                continue
            free = new[k] - slope[k] / bend
            limit = penalty[k] / bend
            target = 0.0
            if free > limit:
                target = free - limit
            elif free < -limit:
                target = free + limit
            change = target - new[k]
            if change != 0.0:
                new[k] = target
                for j in range(len(w)):
                    slope[j] += change * curvature[j, k]
                largest = max(largest, abs(change))
        if largest < 1e-10:
            break
    return new
