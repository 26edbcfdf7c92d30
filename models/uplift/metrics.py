"""How well an uplift ranks: Qini, AUUC, deciles, calibration, and one verdict for all arms.

All are of one arm against those held out, in a randomised campaign. `effect` is the prediction,
`churned` what happened, `treated` who got the arm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DECILES = 10


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % percentile bootstrap interval."""

    value: float
    low: float
    high: float


def uplift_curve(effect: Floats, kept: Floats, treated: Floats, weight: Floats) -> Floats:
    """Incremental customers kept by treating the best 1, 2, ..., n, as a share of n (Qini curve).

    Radcliffe 2007: kept among the treated less kept among the held-out scaled to as many treated.
    Ties are broken by the order of the rows.
    """
    order = np.argsort(-effect, kind="stable")
    w, t = weight[order], treated[order]
    n_treated, n_held = np.cumsum(w * t), np.cumsum(w * (1 - t))
    k_treated, k_held = np.cumsum(w * t * kept[order]), np.cumsum(w * (1 - t) * kept[order])
    scaled = np.divide(k_held * n_treated, n_held, out=np.zeros(len(w)), where=n_held > 0)
    return (k_treated - scaled) / max(n_treated[-1], 1.0)


def areas(effect: Floats, churned: Floats, treated: Floats, weight: Floats) -> tuple[float, float]:
    """AUUC, the area under the Qini curve, and Qini, what of it lies above the straight line to the
    curve's end: 0 for a random ranking."""
    curve = uplift_curve(effect, 1.0 - churned, treated, weight)
    share = np.cumsum(weight[np.argsort(-effect, kind="stable")]) / weight.sum()
    area = float(np.trapezoid(np.append(0.0, curve), np.append(0.0, share)))
    return area, area - float(curve[-1]) / 2


def calibration_slope(effect: Floats, churned: Floats, treated: Floats, weight: Floats) -> float:
    """Slope of observed on predicted effect: 1 is calibrated, below 1 it promises too much.

    Chernozhukov et al.: regression of the outcome, weighted to the effect, on the prediction.
    """
    share = np.average(treated, weights=weight)
    transformed = churned * ((1 - treated) / (1 - share) - treated / share)
    centred = effect - np.average(effect, weights=weight)
    spread = max(float((weight * centred**2).sum()), 1e-12)
    return float((weight * centred * transformed).sum()) / spread


@dataclass(frozen=True)
class Ranking:
    """How well the predicted effects order the customers, and how far their size is right."""

    qini: Estimate
    auuc: Estimate
    slope: Estimate


def ranking(effect: Floats, churned: Floats, treated: Floats, samples: int, seed: int) -> Ranking:
    """Qini, AUUC and the slope of calibration, with intervals from the same bootstrap samples.

    Rows are drawn with replacement, treated and held out apart.
    """
    # Sorted once, so that no sample has much left to sort.
    order = np.argsort(-effect, kind="stable")
    effect, churned, treated = effect[order], churned[order], treated[order]

    def measured(weight: Floats) -> tuple[float, float, float]:
        auuc, qini = areas(effect, churned, treated, weight)
        return qini, auuc, calibration_slope(effect, churned, treated, weight)

    draw = np.random.default_rng(seed)
    drawn = []
    for _ in range(samples):
        weight = np.zeros(len(effect))
        for side in (0, 1):
            rows = np.flatnonzero(treated == side)
            weight[rows] = np.bincount(draw.integers(0, len(rows), len(rows)), minlength=len(rows))
        drawn.append(measured(weight))
    lows, highs = np.percentile(drawn, [2.5, 97.5], axis=0)
    values = measured(np.ones(len(effect)))
    found = zip(values, lows, highs, strict=True)
    return Ranking(*(Estimate(value, float(low), float(high)) for value, low, high in found))


def average_effect(churned: Floats, treated: Floats) -> Estimate:
    """Fall in churn by the arm, with its normal 95 % interval."""
    held, sent = churned[treated == 0], churned[treated == 1]
    value = float(held.mean() - sent.mean())
    error = float(np.sqrt(held.var(ddof=1) / len(held) + sent.var(ddof=1) / len(sent)))
    return Estimate(value, value - 1.96 * error, value + 1.96 * error)


def by_decile(effect: Floats, churned: Floats, treated: Floats) -> list[tuple[float, float, int]]:
    """(mean predicted, observed fall, rows) of each tenth, the best first."""
    rows = []
    for part in np.array_split(np.argsort(-effect, kind="stable"), DECILES):
        held, sent = part[treated[part] == 0], part[treated[part] == 1]
        if len(held) and len(sent):
            fall = churned[held].mean() - churned[sent].mean()
            rows.append((float(effect[part].mean()), float(fall), len(part)))
    return rows


def share_of_incremental(effect: Floats, churned: Floats, treated: Floats, best: float) -> float:
    """Of all that treating everybody would keep, the share that the `best` share brings.

    Rows count by their own rate: (kept among treated - kept among held-out) x rows, top over all.
    """
    order = np.argsort(-effect, kind="stable")
    top = order[: round(best * len(order))]

    def gained(rows: NDArray[np.int64]) -> float:
        held, sent = rows[treated[rows] == 0], rows[treated[rows] == 1]
        return float(churned[held].mean() - churned[sent].mean()) * len(rows)

    return gained(top) / gained(order)


def verdict(found: Estimate, average: Estimate) -> str:
    """What to do with an arm: one rule for all, from the intervals of Qini and of the mean effect.

    The ranking counts only where its Qini lies above 0 with its whole interval.
    """
    if found.low > 0:
        return "target: the effect differs between customers"
    if average.low > 0:
        return "treat all: no heterogeneity found"
    return "treat none: no effect found"
