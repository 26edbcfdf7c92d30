"""Allocate offers at the shadow prices at which the budget is just used up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from models.knapsack import best_choices
from pipelines.offers.shadow_prices import (
    Keep,
    Problem,
    highest_prices,
    sampled,
    scaled,
    settled,
    uses_of,
)
from runtime.errors import UsageError
from runtime.wording import plural
from transforms.allocation import BUDGET, NONE, with_choice, with_prices
from transforms.allocation_search import (
    keep_choice,
    keep_next,
    keep_with_gain,
    plan_totals,
    with_next_choice,
    with_solved_choice,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# The customers nearest to another choice, solved exactly on the driver.
CORE = 400
# The most customers above the caps that the exact solver takes too. After convergence they are few.
MOST_EXCESS = 1_000


@dataclass(frozen=True)
class Plan:
    """The options with `choice` (an offer or "none").

    shadow_price: the gain from one more unit of budget. used: the used part of the budget.
    """

    rows: DataFrame
    shadow_price: float
    used: float


def allocate(problem: Problem, keep: Keep) -> Plan:
    """The offers with the greatest sum of gains within the budget and the caps.

    The sum is within 0.1 % of an exact solver's. `keep` computes a frame once. Raises UsageError if
    a cap cannot be kept; a plan never exceeds the budget or a cap.
    """
    names, unit = problem.offers, problem.unit
    customers, highest = highest_prices(problem)
    sample = sampled(problem, customers)
    prices: dict[str, float] = {}
    if problem.caps and sample.share < 1.0:
        # Rounds are cheap on the driver. Those over all customers then start near the solution.
        of_sample = replace(sample, share=1.0)
        prices = settled(scaled(problem, sample.share), of_sample, highest, start=prices, keep=keep)
    prices = settled(problem, sample, highest, start=prices, keep=keep)
    rows = keep(with_choice(with_prices(problem.options, names, prices), names, unit))
    if unit == "money" or problem.caps:
        solved = solve_core(problem, rows)
        rows = keep(with_solved_choice(rows, solved, problem.options.columns))
    if unit == "customers":
        rows = keep(with_rest_by_gain(problem, rows))
    taken = sums_of(problem, rows)
    for name in problem.caps:
        check_cap(problem, name, taken[name])
    return Plan(rows, prices[BUDGET], taken["used"])


def check_cap(problem: Problem, name: str, taken: float, *, allowed: int = 0) -> None:
    """Raise UsageError if more than `allowed` customers above the cap have the offer."""
    cap = problem.caps[name]
    if taken > cap + allowed:
        raise UsageError(
            f"conf/offers.yaml: most_customers of {name} is {cap:,}, but the best plan found gives "
            f"the offer to {plural(taken, 'customer')}. Raise most_customers, or remove one of "
            "the caps."
        )


def with_rest_by_gain(problem: Problem, rows: DataFrame) -> DataFrame:
    """The options with `choice`: what is left of a budget in customers goes to the next by gain.

    Each customer uses 1 of the budget, so without caps this order is exact, however many customers
    have the same gain at the edge. Offers with a cap are left to the exact solver.
    """
    names = [n for n in problem.offers if n not in problem.caps]
    left = int(problem.budget + 1e-9) - int(sums_of(problem, rows)["used"])
    kept = rows.select(*problem.options.columns, "choice")
    if left <= 0 or not names:
        return kept
    return with_next_choice(kept, keep_next(rows, names, left))


def solve_core(problem: Problem, rows: DataFrame) -> dict[str, str]:
    """The exact choices of the customers with the smallest margins, by customer_id.

    They share what the other customers leave of the budget and the caps. If an offer exceeds its
    cap, as many of its customers as exceed it are solved too, those with the smallest margin first.
    So what is left of the cap is never below 0.
    """
    names, totals = list(problem.offers), sums_of(problem, rows)
    core = core_of(problem, rows, totals)
    if not len(core):
        return {}
    gain = core[[f"gain_{n}" for n in names]].astype(float).to_numpy()
    use = uses_of(problem, core, gain)
    is_chosen = core["choice"].to_numpy()[:, None] == np.array(names, dtype=object)[None, :]
    left = problem.budget - (totals["used"] - use[is_chosen].sum())
    free = np.array(
        [
            problem.caps[n] - (totals[n] - is_chosen[:, k].sum()) if n in problem.caps else np.inf
            for k, n in enumerate(names)
        ],
        dtype=float,
    )
    chosen = best_choices(gain, use, left, caps=free)
    return {c: [*names, NONE][k] for c, k in zip(core["customer_id"], chosen, strict=True)}


def core_of(problem: Problem, rows: DataFrame, totals: Mapping[str, float]) -> pd.DataFrame:
    """The customers for the exact solver, one row per customer_id: choice, gains and costs."""
    names = problem.offers
    columns = ["customer_id", "choice", *[f"{k}_{n}" for n in names for k in ("gain", "cost")]]
    parts = [(keep_with_gain(rows, names), CORE)]
    for name, cap in problem.caps.items():
        check_cap(problem, name, totals[name], allowed=MOST_EXCESS)
        if (excess := int(totals[name] - cap)) > 0:
            parts.append((keep_choice(rows, name), excess))
    nearest = [
        part.orderBy("margin", "customer_id").limit(count).select(*columns).toPandas()
        for part, count in parts  # at most CORE rows, and MOST_EXCESS per capped offer
    ]
    return pd.concat(nearest).drop_duplicates("customer_id", ignore_index=True)


def sums_of(problem: Problem, rows: DataFrame) -> dict[str, float]:
    """`used` (the used part of the budget), and the number of customers per offer."""
    totals = plan_totals(rows, problem.offers, problem.unit).collect()  # at most one row
    if not totals:
        return {"used": 0.0, **dict.fromkeys(problem.offers, 0)}
    (total,) = totals
    return {"used": total["used"], **{n: total[f"count_{n}"] for n in problem.offers}}
