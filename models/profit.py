"""Profit of a retention campaign, and the share of customers to contact for the maximum profit.

Verbraken, Verbeke and Baesens 2013, "A novel profit maximizing metric for measuring classification
performance of customer churn prediction models" (IEEE TKDE 25). Each contacted customer costs
`contact_cost`. A contacted leaver accepts with probability gamma, takes the incentive and stays,
which is worth `value`. A contacted stayer takes the incentive and would have stayed anyway. gamma
has the distribution Beta(alpha, beta).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc  # the distribution function of Beta

from models.compiled import compiled
from models.metrics import Draws, Measure, Ranked, hit

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CampaignEconomics:
    """Parameters of a campaign.

    value, incentive_cost, contact_cost: currency per customer. alpha, beta: parameters of the Beta
    distribution of the acceptance rate.
    """

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
        """Expected profit of contacting a leaver, in currency."""
        return self.acceptance * (self.value - self.incentive_cost) - self.contact_cost

    def of_stayer(self) -> float:
        """Profit of contacting a stayer, in currency. It is negative."""
        return -(self.incentive_cost + self.contact_cost)


@dataclass(frozen=True)
class ExpectedMaximumProfit:
    """profit: currency per customer of the population. share: share of customers to contact."""

    profit: float
    share: float


def expected_maximum_profit(
    label: Array, p: Array, economics: CampaignEconomics
) -> ExpectedMaximumProfit:
    """Expected profit if, for each gamma, the most profitable share of the ranking is contacted.

    For a given gamma the best cut is a corner of the convex hull of the ROC curve. The best corner
    changes only at the gammas at which two corners have equal profit, so the integral over gamma is
    a sum.
    """
    ranked = Ranked.of(label, p, 0.5)
    reached, alarmed = (s[0] for s in _curves(ranked, Draws(ranked, np.ones((1, len(label))))))
    return _best_of_curve(reached, alarmed, float(np.mean(label)), economics)


def campaign_measures(economics: CampaignEconomics) -> dict[str, Measure]:
    """Metrics of a campaign, for `metrics.estimates`.

    The confusion matrix at the threshold in customers, the profit per customer of contacting all
    customers from the threshold on, and the expected maximum profit of the ranking. The last is NaN
    if the labels hold only one class.
    """

    def earned(r: Ranked, w: Draws) -> Array:
        leavers, stayers = w.sum_of(hit(r) * r.label), w.sum_of(hit(r) * (1 - r.label))
        return (leavers * economics.of_leaver() + stayers * economics.of_stayer()) / w.total

    def best(r: Ranked, w: Draws) -> Array:
        profit = np.full(len(w.total), np.nan)
        reached, alarmed = _curves(r, w)
        for i, share in enumerate(w.leavers / w.total):
            if 0 < share < 1:
                profit[i] = _best_of_curve(reached[i], alarmed[i], share, economics).profit
        return profit

    return {
        "true_positives": lambda r, w: w.sum_of(hit(r) * r.label),
        "false_positives": lambda r, w: w.sum_of(hit(r) * (1 - r.label)),
        "false_negatives": lambda r, w: w.sum_of((1 - hit(r)) * r.label),
        "true_negatives": lambda r, w: w.sum_of((1 - hit(r)) * (1 - r.label)),
        "profit_per_customer": earned,
        "expected_maximum_profit": best,
    }


def threshold_of_share(p: Array, share: float) -> float:
    """The threshold at which this share of customers is contacted. For share 0 it exceeds all p,
    but not 1."""
    ranked = np.sort(p)[::-1]
    count = round(share * len(ranked))
    return float(ranked[count - 1]) if count else min(1.0, float(ranked[0]) + 1e-9)


def threshold_of_groups(
    p: Array, rows: Array, churned: Array, *, economics: CampaignEconomics
) -> float:
    """The threshold of a score with few distinct values, by the same rule as that of a model.

    `p`: the distinct values; `rows` and `churned`: customers and leavers with each value, or
    numbers in proportion. The cut between two values that is closest to the share with the maximum
    profit. Above all values, but not above 1, where the closest cut is to contact nobody.
    """
    order = np.argsort(-p, kind="stable")
    p, rows, churned = p[order], rows[order], churned[order]
    cuts = np.concatenate([[0.0], np.cumsum(rows) / rows.sum()])
    leavers = float(churned.sum() / rows.sum())
    if 0 < leavers < 1:
        stayed = rows - churned
        reached, alarmed = (
            np.concatenate([[0.0], np.cumsum(part) / part.sum()]) for part in (churned, stayed)
        )
        share = _best_of_curve(reached, alarmed, leavers, economics).share
    else:
        share = float(leavers == 1 and economics.of_leaver() > 0)
    contacted = int(np.argmin(np.abs(cuts - share)))
    return float(p[contacted - 1]) if contacted else min(1.0, float(p[0]) + 1e-9)


def f1_threshold(label: Array, p: Array) -> float:
    """The threshold with the highest F1. Ties go to the highest threshold."""
    order = np.argsort(-p, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(p[order]) != 0), len(p) - 1)
    hits = np.cumsum(label[order])[ends]
    f1 = 2 * hits / (ends + 1 + label.sum())
    return float(p[order][ends[int(np.argmax(f1))]])


def _curves(r: Ranked, w: Draws) -> tuple[Array, Array]:
    """Shares of leavers and of stayers contacted at each cut, both (samples, cuts + 1)."""
    leavers = w.reached_leavers[:, r.tie_ends]
    stayers = w.reached[:, r.tie_ends] - leavers
    with np.errstate(invalid="ignore"):  # samples with one class, which the callers exclude
        shares = [contacted / contacted[:, -1:] for contacted in (leavers, stayers)]
    reached, alarmed = (np.pad(share, ((0, 0), (1, 0))) for share in shares)
    return reached, alarmed


def _best_of_curve(
    reached: Array, alarmed: Array, leavers: float, economics: CampaignEconomics
) -> ExpectedMaximumProfit:
    """Expected maximum profit of a ROC curve.

    `reached`: shares of leavers contacted (F0 in the paper). `alarmed`: shares of stayers contacted
    (F1). `leavers`: share of leavers in the population.
    """
    corners = _hull(alarmed, reached)
    reached, alarmed, stayers = reached[corners], alarmed[corners], 1.0 - leavers
    delta = economics.incentive_cost / economics.value
    phi = economics.contact_cost / economics.value
    with np.errstate(divide="ignore"):
        slope = _steps(alarmed) / _steps(reached)
    switch = (stayers * (delta + phi) / leavers * slope + phi) / (1.0 - delta)
    ends = np.concatenate([[0.0], np.minimum(np.maximum(switch, 0.0), 1.0), [1.0]])
    alpha, beta = economics.alpha, economics.beta
    mass = _steps(betainc(alpha, beta, ends))
    moment = economics.acceptance * _steps(betainc(alpha + 1, beta, ends))
    gain = (1.0 - delta) * leavers * reached
    cost = phi * leavers * reached + (delta + phi) * stayers * alarmed
    profit = economics.value * float(gain @ moment - cost @ mass)
    return ExpectedMaximumProfit(profit, float((leavers * reached + stayers * alarmed) @ mass))


def _steps(values: Array) -> Array:
    """np.diff without its argument checks, which dominate the time over thousands of samples."""
    return values[1:] - values[:-1]


@compiled
def _hull(x: Array, y: Array) -> NDArray[np.int64]:
    """Positions of the corners of the upper convex hull, from the first point to the last."""
    kept = np.empty(len(x), dtype=np.int64)
    count = 0
    for c in range(len(x)):
        while count > 1:
            a, b = kept[count - 2], kept[count - 1]
            # Drop b if it lies on or under the line from a to c.
            if (x[b] - x[a]) * (y[c] - y[a]) < (x[c] - x[a]) * (y[b] - y[a]):
                break
            count -= 1
        kept[count] = c
        count += 1
    return kept[:count]
