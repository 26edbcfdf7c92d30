"""Metrics of an uplift model: Qini, AUUC, deciles, calibration slope, and a verdict per arm.

All compare one arm with the control group of a randomised campaign. The arrays have one entry per
customer. `effect` is the predicted decrease in churn probability, `churned` the outcome (0 or 1),
`treated` is 1 for the arm and 0 for the control group, `weight` is the number of repetitions.
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


def uplift_curve(effect: Floats, kept: Floats, treated: Floats, *, weight: Floats) -> Floats:
    """Qini curve: incremental customers kept by treating the top 1, 2, ..., n of the ranking, as a
    share of all treated. `kept` is 1 - churned.

    Radcliffe 2007: customers kept among the treated, minus customers kept in the control group
    scaled to the number of treated. Ties are broken by the order of the rows.
    """
    order = np.argsort(-effect, kind="stable")
    w, t = weight[order], treated[order]
    n_treated, n_held = np.cumsum(w * t), np.cumsum(w * (1 - t))
    k_treated, k_held = np.cumsum(w * t * kept[order]), np.cumsum(w * (1 - t) * kept[order])
    scaled = np.divide(k_held * n_treated, n_held, out=np.zeros(len(w)), where=n_held > 0)
    return (k_treated - scaled) / max(n_treated[-1], 1.0)


def areas(
    effect: Floats, churned: Floats, treated: Floats, *, weight: Floats
) -> tuple[float, float]:
    """(AUUC, Qini). AUUC is the area under the Qini curve. Qini is the part of the area above the
    straight line from the origin to the curve's end; it is 0 for a random ranking."""
    curve = uplift_curve(effect, 1.0 - churned, treated, weight=weight)
    share = np.cumsum(weight[np.argsort(-effect, kind="stable")]) / weight.sum()
    area = float(np.trapezoid(np.append(0.0, curve), np.append(0.0, share)))
    return area, area - float(curve[-1]) / 2


def calibration_slope(effect: Floats, churned: Floats, treated: Floats, *, weight: Floats) -> float:
    """Slope of the regression of observed on predicted effects.

    1 means calibrated; below 1 the predictions are too extreme. Chernozhukov et al.: regression of
    the outcome, transformed by inverse probability weights, on the prediction.
    """
    share = np.average(treated, weights=weight)
    transformed = churned * ((1 - treated) / (1 - share) - treated / share)
    centred = effect - np.average(effect, weights=weight)
    spread = max(float((weight * centred**2).sum()), 1e-12)
    return float((weight * centred * transformed).sum()) / spread


@dataclass(frozen=True)
class Ranking:
    """Ranking quality (Qini, AUUC) and calibration slope of the predicted effects."""

    qini: Estimate
    auuc: Estimate
    slope: Estimate


def ranking(
    effect: Floats, churned: Floats, treated: Floats, *, samples: int, seed: int
) -> Ranking:
    """Qini, AUUC and calibration slope, with intervals from the same bootstrap samples.

    Rows are drawn with replacement, separately for the treated and the control group.
    """
    # Sorted once, which makes sorting each sample fast.
    order = np.argsort(-effect, kind="stable")
    effect, churned, treated = effect[order], churned[order], treated[order]

    def measured(weight: Floats) -> tuple[float, float, float]:
        auuc, qini = areas(effect, churned, treated, weight=weight)
        return qini, auuc, calibration_slope(effect, churned, treated, weight=weight)

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
    triples = zip(values, lows, highs, strict=True)
    return Ranking(*(Estimate(value, float(low), float(high)) for value, low, high in triples))


def average_effect(churned: Floats, treated: Floats) -> Estimate:
    """Average treatment effect: the decrease in churn rate, with a normal 95 % interval."""
    held, sent = churned[treated == 0], churned[treated == 1]
    value = float(held.mean() - sent.mean())
    error = float(np.sqrt(held.var(ddof=1) / len(held) + sent.var(ddof=1) / len(sent)))
    return Estimate(value, value - 1.96 * error, value + 1.96 * error)


def by_decile(effect: Floats, churned: Floats, treated: Floats) -> list[tuple[float, float, int]]:
    """(mean predicted effect, observed effect, rows) of each tenth, in descending order of effect.

    Tenths without treated or control customers are left out.
    """
    rows = []
    for part in np.array_split(np.argsort(-effect, kind="stable"), DECILES):
        held, sent = part[treated[part] == 0], part[treated[part] == 1]
        if len(held) and len(sent):
            fall = churned[held].mean() - churned[sent].mean()
            rows.append((float(effect[part].mean()), float(fall), len(part)))
    return rows


def share_of_incremental(effect: Floats, churned: Floats, treated: Floats, *, best: float) -> float:
    """Share of the total incremental customers that comes from the top `best` share of the ranking.

    Incremental customers = (rate kept among treated - rate kept in the control group) * rows.
    """
    order = np.argsort(-effect, kind="stable")
    top = order[: round(best * len(order))]

    def gained(rows: NDArray[np.int64]) -> float:
        held, sent = rows[treated[rows] == 0], rows[treated[rows] == 1]
        return float(churned[held].mean() - churned[sent].mean()) * len(rows)

    return gained(top) / gained(order)


def verdict(qini: Estimate, average: Estimate) -> str:
    """The recommendation for an arm, from the intervals of Qini and of the average effect.

    "target" if the whole interval of Qini is above 0, else "treat all" if the whole interval of the
    average effect is above 0, else "treat none".
    """
    if qini.low > 0:
        return "target: the effect differs between customers"
    if average.low > 0:
        return "treat all: no heterogeneity found"
    return "treat none: no effect found"
