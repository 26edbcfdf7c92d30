"""The choice of customers under a budget from a ranking, as gold.retention_plan makes it.

transforms.retention_plan.with_choice is the same rule for Spark and DuckDB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
# Shares such as 0.29 x 100 = 28.999999999999996 are counted as whole customers.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Ranking:
    """The customers of a strategy in the order of their rank.

    cost, gain: expected cost of the offer, and expected value kept less that cost, in currency;
    NaN: unknown. within_cap: False if the customer's offer is used up by customers before.
    """

    cost: Floats
    gain: Floats
    within_cap: Flags
    needs_gain: bool


def within_caps(offers: Sequence[str], caps: dict[str, int]) -> Flags:
    """For each customer in order: whether the offer is among the first `caps` of its kind.

    >>> within_caps(["a", "b", "a"], {"a": 1}).tolist()
    [True, True, False]
    """
    if not caps:
        return np.ones(len(offers), dtype=bool)
    seen: dict[str, int] = {}
    allowed = []
    for offer in offers:
        seen[offer] = seen.get(offer, 0) + 1
        allowed.append(seen[offer] <= caps.get(offer, len(offers)))
    return np.array(allowed, dtype=bool)


def chosen_by_customers(ranking: Ranking, customers: float) -> Flags:
    """Who is chosen if the budget is a number of customers.

    With `needs_gain` (net_value) a customer whose offer costs more than it keeps is not chosen, and
    the place stays empty. A gain that is unknown (a company without amounts) counts as a gain.

    >>> costs, gains = np.array([1.0, 1.0, 1.0]), np.array([5.0, -1.0, 2.0])
    >>> chosen_by_customers(Ranking(costs, gains, np.ones(3, bool), True), 2).tolist()
    [True, False, False]
    """
    turn = np.cumsum(ranking.within_cap)
    return _paying(ranking) & (turn <= int(customers + ROUNDING))


def chosen_by_money(ranking: Ranking, money: float) -> Flags:
    """Who is chosen if the budget is an amount in currency: the first whose costs fit together.

    >>> costs = np.array([4.0, 4.0, 1.0])
    >>> chosen_by_money(Ranking(costs, costs, np.ones(3, bool), True), 8).tolist()
    [True, True, False]
    """
    spent = np.cumsum(np.where(ranking.within_cap, np.nan_to_num(ranking.cost), 0.0))
    return _paying(ranking) & ~np.isnan(ranking.cost) & (spent <= money)


def chosen(ranking: Ranking, budget: float, unit: str) -> Flags:
    """Who is chosen under a budget. `unit`: customers, or money in currency."""
    return (chosen_by_money if unit == "money" else chosen_by_customers)(ranking, budget)


def _paying(ranking: Ranking) -> Flags:
    pays = ~(ranking.gain <= 0) if ranking.needs_gain else np.ones(len(ranking.gain), dtype=bool)
    return ranking.within_cap & pays


def smallest_budget(ranking: Ranking, position: int, unit: str) -> float | None:
    """The smallest budget that reaches the customer at `position` (from 0); None: no budget does.

    `unit`: customers, or money in currency. The plan is computed with this budget and with a
    smaller one, and the budget is returned only if these plans differ for the customer.
    """
    if unit == "money":
        spent = np.cumsum(np.where(ranking.within_cap, np.nan_to_num(ranking.cost), 0.0))
        budget, less = float(spent[position]), float(ranking.cost[position] / 2)
    else:
        budget, less = float(ranking.within_cap[: position + 1].sum()), 1.0
    is_enough = chosen(ranking, budget, unit)[position]
    is_verified = is_enough and not chosen(ranking, budget - less, unit)[position]
    return budget if is_verified else None


def gain_needed(ranking: Ranking, position: int, budget: float, *, unit: str) -> float | None:
    """The gain in currency above which the customer at `position` is chosen under the budget.

    For a ranking by gain (net_value). The plan is computed again with the customer at the place of
    that gain. None: no gain is enough, for example because the offer costs more than the budget.
    """
    steps = [0.0, *sorted({float(g) for g in ranking.gain[chosen(ranking, budget, unit)] if g > 0})]
    low, high = 0, len(steps)
    while low < high:  # a higher gain gives an earlier place, so what is chosen stays chosen
        middle = (low + high) // 2
        moved, place = with_gain(ranking, position, float(np.nextafter(steps[middle], np.inf)))
        low, high = (low, middle) if chosen(moved, budget, unit)[place] else (middle + 1, high)
    return steps[low] if low < len(steps) else None


def with_gain(ranking: Ranking, position: int, gain: float) -> tuple[Ranking, int]:
    """The ranking if the customer at `position` had this gain, and the customer's new position."""
    others = np.delete(np.arange(len(ranking.gain)), position)
    place = int((ranking.gain[others] >= gain).sum())
    order = np.insert(others, place, position)
    gains = ranking.gain.copy()
    gains[position] = gain
    moved = replace(
        ranking,
        cost=ranking.cost[order],
        gain=gains[order],
        within_cap=ranking.within_cap[order],
    )
    return moved, place
