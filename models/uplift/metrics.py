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


def qini(effect: Floats, churned: Floats, treated: Floats, weight: Floats | None = None) -> float:
    """Area between the Qini curve and the straight line to its end: 0 for a random ranking."""
    weight = np.ones(len(effect)) if weight is None else weight
    curve = uplift_curve(effect, 1.0 - churned, treated, weight)
    share = np.cumsum(weight[np.argsort(-effect, kind="stable")]) / weight.sum()
    area = float(np.trapezoid(np.append(0.0, curve), np.append(0.0, share)))
    return area - float(curve[-1]) / 2


def auuc(effect: Floats, churned: Floats, treated: Floats) -> float:
    """Area under the Qini curve."""
    curve = uplift_curve(effect, 1.0 - churned, treated, np.ones(len(effect)))
    return float(np.trapezoid(np.append(0.0, curve), np.linspace(0, 1, len(curve) + 1)))


def bootstrap_qini(
    effect: Floats, churned: Floats, treated: Floats, samples: int, seed: int
) -> Estimate:
    """Qini with its interval; rows are drawn with replacement, treated and held out apart."""
    draw = np.random.default_rng(seed)
    drawn = []
    for _ in range(samples):
        weight = np.zeros(len(effect))
        for side in (0, 1):
            rows = np.flatnonzero(treated == side)
            weight[rows] = np.bincount(draw.integers(0, len(rows), len(rows)), minlength=len(rows))
        drawn.append(qini(effect, churned, treated, weight))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(qini(effect, churned, treated), float(low), float(high))


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


def calibration_slope(effect: Floats, churned: Floats, treated: Floats) -> float:
    """Slope of observed on predicted effect: 1 is calibrated, below 1 it promises too much.

    Chernozhukov et al.: regression of the outcome, weighted to the effect, on the prediction.
    """
    share = treated.mean()
    transformed = churned * ((1 - treated) / (1 - share) - treated / share)
    centred = effect - effect.mean()
    return float((centred * transformed).sum() / max((centred**2).sum(), 1e-12))


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
