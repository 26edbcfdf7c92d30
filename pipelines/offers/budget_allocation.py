"""The plan that follows from the prices at which a budget is just spent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipelines.offers.shadow_prices import Problem, sampled, scaled, settled, uses_of
from runtime.errors import UsageError

# Customers nearest to another choice, solved exactly on the driver.
CORE = 400
# So many more customers than caps allow go to the exact solver too: a few, where prices are still.
MOST_EXCESS = 1_000


@dataclass(frozen=True)
class Plan:
    """Options with `choice` (an offer or "none"); the price of a unit of budget; what is used."""

    rows: Any
    shadow_price: float
    used: float


def allocate(problem: Problem, keep: Callable[[Any], Any]) -> Plan:
    """The offers with the greatest sum of gains within the budget and the caps.

    `keep` computes a frame once. Within 0.1 % of an exact solver; never above budget or cap:
    UsageError, where a cap cannot be kept.
    """
    from transforms.allocation import BUDGET, highest_gains, with_choice, with_prices

    names, unit = problem.offers, problem.unit
    found = highest_gains(problem.options, names, unit).collect()[0]  # one row
    sample = sampled(problem, found["customers"])
    highest = {name: found["at_all"] for name in problem.caps} | {BUDGET: found["a_unit"]}
    prices: dict[str, float] = {}
    if problem.caps and sample.share < 1.0:
        # Rounds cost nothing on the driver; those over all then start close to their end.
        of_sample = replace(sample, share=1.0)
        prices = settled(scaled(problem, sample.share), of_sample, highest, prices, keep)
    prices = settled(problem, sample, highest, prices, keep)
    rows = keep(with_choice(with_prices(problem.options, names, prices), names, unit))
    solved = solve_core(problem, rows)
    rows = keep(with_solved(rows, solved, problem.options.columns))
    taken = sums_of(problem, rows)
    for name in problem.caps:
        check_cap(problem, name, taken[name])
    return Plan(rows, prices[BUDGET], taken["used"])


def check_cap(problem: Problem, name: str, taken: float, allowed: int = 0) -> None:
    """Raise UsageError where more than `allowed` customers above its cap have an offer."""
    cap = problem.caps[name]
    if taken > cap + allowed:
        raise UsageError(
            f"conf/offers.yaml: most_customers of {name} must hold, and no prices were found at "
            f"which {taken:,.0f} customers become {cap:,}. Raise it, or remove one of the caps."
        )


def solve_core(problem: Problem, rows: Any) -> dict[str, str]:
    """customer_id -> choice of the customers nearest to another one, solved exactly.

    They share what all others leave of budget and caps. Of an offer that too many chose as many
    more, the nearest first: what is left of its cap is then never below 0.
    """
    import pandas as pd
    from pyspark.sql import functions as F

    from models.knapsack import best_choices

    names, all_taken = list(problem.offers), sums_of(problem, rows)
    open_to = F.lit(False)
    for name in names:
        open_to = open_to | (F.coalesce(F.col(f"gain_{name}"), F.lit(0.0)) > 0)
    columns = ["customer_id", "choice", *[f"{k}_{n}" for n in names for k in ("gain", "cost")]]
    parts = [(rows.where(open_to), CORE)]
    for name, cap in problem.caps.items():
        check_cap(problem, name, all_taken[name], MOST_EXCESS)
        if (excess := int(all_taken[name] - cap)) > 0:
            parts.append((rows.where(F.col("choice") == name), excess))
    nearest = [
        part.orderBy("margin", "customer_id").limit(count).select(*columns).toPandas()
        for part, count in parts  # at most CORE rows, and MOST_EXCESS a capped offer
    ]
    core = pd.concat(nearest).drop_duplicates("customer_id", ignore_index=True)
    if not len(core):
        return {}
    gain = core[[f"gain_{n}" for n in names]].astype(float).to_numpy()
    use = uses_of(problem, core, gain)
    is_chosen = core["choice"].to_numpy()[:, None] == np.array(names, dtype=object)[None, :]
    left = problem.budget - (all_taken["used"] - use[is_chosen].sum())
    free = np.array(
        [
            problem.caps[n] - (all_taken[n] - is_chosen[:, k].sum())
            if n in problem.caps
            else np.inf
            for k, n in enumerate(names)
        ],
        dtype=float,
    )
    chosen = best_choices(gain, use, left, free)
    return {c: [*names, "none"][k] for c, k in zip(core["customer_id"], chosen, strict=True)}


def with_solved(rows: Any, solved: Mapping[str, str], columns: Sequence[str]) -> Any:
    """The options with `choice`, the core's in place; at most as many literals."""
    from pyspark.sql import functions as F

    choice = F.col("choice")
    for name in sorted(set(solved.values())):
        ids = sorted(c for c, k in solved.items() if k == name)
        choice = F.when(F.col("customer_id").isin(*ids), name).otherwise(choice)
    return rows.select(*[F.col(c) for c in columns], choice.alias("choice"))


def sums_of(problem: Problem, rows: Any) -> dict[str, float]:
    """`used` of the budget, and by offer how many customers have it."""
    from pyspark.sql import functions as F

    from transforms.allocation import totals

    one = rows.select(*[c for c in rows.columns if c != "number"], F.lit(0).alias("number"))
    found = totals(one, problem.offers, problem.unit).collect()  # one row
    if not found:
        return {"used": 0.0, **{n: 0 for n in problem.offers}}
    return {"used": found[0]["used"], **{n: found[0][f"count_{n}"] for n in problem.offers}}
