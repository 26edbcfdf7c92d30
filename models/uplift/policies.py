"""Off-policy evaluation: the doubly robust value of a policy on a campaign that was not used for
training.

Values are currency per customer, relative to sending no offers. Arm 0 means no offer.
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
    """A randomised campaign with one row per customer.

    arm: the arm that was sent. churned: the outcome (0 or 1). value: currency per customer who
    stays. risk, share, cost: (rows, arms): predicted churn probability, probability of the arm, and
    expected cost (0 for arm 0).
    """

    arm: Choices
    churned: Floats
    value: Floats
    risk: Floats
    share: Floats
    cost: Floats


def policy_value(trial: Trial, chosen: Choices) -> Estimate:
    """Mean net value per customer relative to sending no offers, with a normal 95 % interval.

    `chosen`: the policy's arm per row. Robins, Rotnitzky, Zhao 1994: the predicted outcome of the
    chosen arm, plus a correction for rows that were sent this arm: (observed - predicted) divided
    by the probability of the arm. The estimate is consistent if either the probabilities (known
    here) or the risks are correct. Costs are the expected costs of the plan, not observed costs.
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
    """True for the rows with the highest positive priority, as long as the budget lasts.

    Ties are broken by position.
    """
    order = np.argsort(-priority, kind="stable")
    fits = (np.cumsum(use[order]) <= budget) & (priority[order] > 0)
    chosen = np.zeros(len(priority), dtype=bool)
    chosen[order[fits]] = True
    return chosen


def best_within(gain: Floats, use: Floats, budget: float) -> Choices:
    """The arm of each row (0: no offer) that maximises the sum of gains within the budget.

    gain, use: (rows, offers); column k is arm k + 1. Uses one shadow price for the budget: the
    lowest price at which the choices fit. At most one customer's use remains unspent.
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
