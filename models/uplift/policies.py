"""What a policy is worth on a campaign that nothing was learned from: doubly robust, with interval.

Everything is per customer and against sending nobody anything. `arm` 0 is nobody's offer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.uplift.metrics import Estimate

Floats = NDArray[np.float64]
Choices = NDArray[np.int64]


@dataclass(frozen=True)
class Trial:
    """A randomised campaign, row by row: what was sent, what happened, what it is worth.

    risk, share, cost: (rows, arms): churn probability expected, chance of the arm, expected cost
    (0 for arm 0). value: of a customer who stays.
    """

    arm: Choices
    churned: Floats
    value: Floats
    risk: Floats
    share: Floats
    cost: Floats


def policy_value(trial: Trial, chosen: Choices) -> Estimate:
    """Mean net value a customer over sending nobody anything, with its normal 95 % interval.

    Robins, Rotnitzky, Zhao 1994: the expected outcome of the arm chosen, corrected where just that
    arm was sent by what happened against it, over the chance of the arm. Right where either the
    chances (here known) or the risks are. Costs are not drawn: they are what the plan expects.
    """
    rows = np.arange(len(chosen))
    none = np.zeros(len(chosen), dtype=np.int64)
    gained = trial.value * (_churn(trial, none) - _churn(trial, chosen)) - trial.cost[rows, chosen]
    mean = float(gained.mean())
    reach = 1.96 * float(gained.std(ddof=1)) / len(gained) ** 0.5
    return Estimate(mean, mean - reach, mean + reach)


def _churn(trial: Trial, chosen: Choices) -> Floats:
    rows = np.arange(len(chosen))
    expected = trial.risk[rows, chosen]
    is_sent = trial.arm == chosen
    return expected + np.where(is_sent, (trial.churned - expected) / trial.share[rows, chosen], 0.0)


def first_within(priority: Floats, use: Floats, budget: float) -> NDArray[np.bool_]:
    """The rows with the highest priority above 0 that fit in the budget, ties by their place."""
    order = np.argsort(-priority, kind="stable")
    fits = (np.cumsum(use[order]) <= budget) & (priority[order] > 0)
    chosen = np.zeros(len(priority), dtype=bool)
    chosen[order[fits]] = True
    return chosen


def best_within(gain: Floats, use: Floats, budget: float) -> Choices:
    """The arm of each row (0: none) with the greatest sum of gains in the budget, by one price.

    gain, use: (rows, offers); the arm of column k is k + 1. The price is the lowest at which all
    fits, so it leaves at most one customer's use unspent at the edge.
    """

    def at(price: float) -> Choices:
        score = gain - price * use
        return np.where(score.max(axis=1) > 0, score.argmax(axis=1) + 1, 0)

    def used(chosen: Choices) -> float:
        return float(use[np.flatnonzero(chosen), chosen[chosen > 0] - 1].sum())

    low, high = 0.0, float(np.max(gain / np.maximum(use, 1e-12), initial=0.0)) + 1e-9
    if used(at(low)) <= budget:
        return at(low)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if used(at(middle)) <= budget else (middle, high)
    return at(high)
