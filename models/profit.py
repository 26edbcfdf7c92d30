"""What a retention campaign earns, and whom it should reach for that.

Verbraken, Verbeke and Baesens 2013, "A novel profit maximizing metric for measuring classification
performance of customer churn prediction models" (IEEE TKDE 25). Whoever is contacted costs
`contact_cost`; a leaver accepts with probability gamma, then takes the incentive and stays, worth
`value`; a stayer takes the incentive and would have stayed anyway. gamma is Beta(alpha, beta).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta as beta_distribution

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CampaignEconomics:
    """value, incentive_cost and contact_cost in currency a customer; alpha, beta of acceptance."""

    value: float
    incentive_cost: float
    contact_cost: float
    alpha: float
    beta: float

    @property
    def acceptance(self) -> float:
        """Mean share of contacted leavers who accept."""
        return self.alpha / (self.alpha + self.beta)

    def of_leaver(self) -> float:
        """Expected profit of contacting one who would leave."""
        return self.acceptance * (self.value - self.incentive_cost) - self.contact_cost

    def of_stayer(self) -> float:
        """Profit (a loss) of contacting one who would have stayed."""
        return -(self.incentive_cost + self.contact_cost)


@dataclass(frozen=True)
class ExpectedMaximumProfit:
    """profit: currency a customer of the whole population; share: of them to contact."""

    profit: float
    share: float


def expected_maximum_profit(
    label: Array, p: Array, economics: CampaignEconomics
) -> ExpectedMaximumProfit:
    """The profit when, for every gamma, the best share of the ranking is contacted.

    For one gamma the best cut lies on the convex hull of the ROC curve; between the gammas at which
    two corners of the hull earn the same, one corner is best, so the integral is a sum.
    """
    leavers = float(np.mean(label))
    stayers = 1.0 - leavers
    reached, alarmed = _hull(label, p)  # F0: leavers reached, F1: stayers reached
    delta = economics.incentive_cost / economics.value
    phi = economics.contact_cost / economics.value
    with np.errstate(divide="ignore"):
        slope = np.diff(alarmed) / np.diff(reached)
    switch = (stayers * (delta + phi) / leavers * slope + phi) / (1.0 - delta)
    ends = np.clip(np.concatenate([[0.0], switch, [1.0]]), 0.0, 1.0)
    alpha, beta = economics.alpha, economics.beta
    mass = np.diff(beta_distribution.cdf(ends, alpha, beta))
    moment = economics.acceptance * np.diff(beta_distribution.cdf(ends, alpha + 1, beta))
    gain = (1.0 - delta) * leavers * reached
    cost = phi * leavers * reached + (delta + phi) * stayers * alarmed
    profit = economics.value * float(gain @ moment - cost @ mass)
    return ExpectedMaximumProfit(profit, float((leavers * reached + stayers * alarmed) @ mass))


def threshold_of_share(p: Array, share: float) -> float:
    """The probability from which on that share of the ranking is contacted; above all p for 0."""
    ranked = np.sort(p)[::-1]
    count = round(share * len(ranked))
    return float(ranked[count - 1]) if count else min(1.0, float(ranked[0]) + 1e-9)


def f1_threshold(label: Array, p: Array) -> float:
    """The probability with the highest F1 when all from it on are flagged; ties: the highest."""
    order = np.argsort(-p, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(p[order]) != 0), len(p) - 1)
    hits = np.cumsum(label[order])[ends]
    f1 = 2 * hits / (ends + 1 + label.sum())
    return float(p[order][ends[int(np.argmax(f1))]])


def _hull(label: Array, p: Array) -> tuple[Array, Array]:
    """Corners of the ROC curve's upper hull from (0, 0) to (1, 1): leavers and stayers reached."""
    order = np.argsort(-p, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(p[order]) != 0), len(p) - 1)
    y = np.append(0.0, np.cumsum(label[order])[ends] / label.sum())
    x = np.append(0.0, np.cumsum(1 - label[order])[ends] / (1 - label).sum())
    kept: list[int] = []
    for i in range(len(x)):
        while len(kept) > 1 and _is_below(x, y, kept[-2], kept[-1], i):
            kept.pop()
        kept.append(i)
    return y[kept], x[kept]


def _is_below(x: Array, y: Array, a: int, b: int, c: int) -> bool:
    """b lies on or under the line from a to c."""
    return bool((x[b] - x[a]) * (y[c] - y[a]) >= (x[c] - x[a]) * (y[b] - y[a]))
