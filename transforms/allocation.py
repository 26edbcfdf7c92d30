"""The offers of all customers under one budget: a multiple-choice knapsack by its Lagrangian.

At a price p of budget and a price m_k of each capped offer, everybody's best choice is the offer
with the greatest gain_k - p * use_k - m_k above zero. That splits the problem into customers, so
one pass over the rows answers several prices at once; jobs/deciding searches the prices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, functions as F

NONE = "none"
_NOTHING = -1e300


BUDGET = "budget"


@dataclass(frozen=True)
class Grid:
    """Prices to try on one axis (BUDGET or a capped offer): low, low + step, ... (`count`)."""

    axis: str
    low: float
    step: float
    count: int


def use_of(name: str, unit: str) -> Column:
    """What an offer takes from the budget: its cost, or one customer."""
    return F.col(f"cost_{name}") if unit == "money" else F.lit(1.0)


def with_prices(
    options: DataFrame,
    offers: Sequence[str],
    prices: Mapping[str, float],
    grid: Grid | None = None,
) -> DataFrame:
    """One row a customer, and price of the grid: adds p_budget and p_<offer>, with a grid `number`.

    `prices` are those of the other axes, by BUDGET or the offer's name; absent: 0.
    """
    rows, tried = options, F.lit(0.0)
    if grid is not None:
        numbers = F.array(*[F.lit(n) for n in range(grid.count)])
        rows = options.select("*", F.explode(numbers).alias("number"))
        tried = F.lit(float(grid.low)) + F.col("number") * F.lit(float(grid.step))
    axis_tried = grid.axis if grid is not None else None
    return rows.select(
        "*",
        *[
            (tried if axis == axis_tried else F.lit(float(prices.get(axis, 0.0)))).alias(
                f"p_{axis}"
            )
            for axis in (BUDGET, *offers)
        ],
    )


def with_choices_at_ends(
    options: DataFrame,
    offers: Sequence[str],
    unit: str,
    cheap: Mapping[str, float],
    dear: Mapping[str, float],
) -> DataFrame:
    """Add choice_cheap and choice_dear, at two lists of prices that differ on one axis.

    Where both are the same the choice is the same at every price between: scores are linear in it.
    """
    rows = options
    for name, prices in (("choice_cheap", cheap), ("choice_dear", dear)):
        chosen = with_choice(with_prices(rows, offers, prices), offers, unit)
        rows = chosen.select(*[F.col(c) for c in rows.columns], F.col("choice").alias(name))
    return rows


def with_choice(priced: DataFrame, offers: Sequence[str], unit: str) -> DataFrame:
    """Add `choice`, the offer with the greatest score above zero, else "none"; ties: the first.

    Also `margin`: how far its score lies from the second best of all choices, "none" among them.
    The smaller the margin, the sooner another price would change the choice.
    """
    scored = priced.select(
        "*",
        *[
            F.coalesce(
                F.col(f"gain_{n}") - F.col("p_budget") * use_of(n, unit) - F.col(f"p_{n}"),
                F.lit(_NOTHING),
            ).alias(f"score_{n}")
            for n in offers
        ],
    )
    names = [f"score_{n}" for n in offers]
    topped = scored.select("*", F.greatest(*names, F.lit(0.0)).alias("best"))
    choice = F.lit(NONE)
    for n in reversed(offers):
        is_best = (F.col(f"score_{n}") > 0) & (F.col(f"score_{n}") >= F.col("best"))
        choice = F.when(is_best, n).otherwise(choice)
    chosen = topped.select("*", choice.alias("choice"))
    rest = [
        F.when(F.col("choice") == n, F.lit(_NOTHING)).otherwise(F.col(f"score_{n}")) for n in offers
    ]
    nothing = F.when(F.col("choice") == NONE, F.lit(_NOTHING)).otherwise(F.lit(0.0))
    return chosen.select(
        *[F.col(c) for c in priced.columns],
        F.col("choice"),
        (F.col("best") - F.greatest(*rest, nothing)).alias("margin"),
    )


def totals(chosen: DataFrame, offers: Sequence[str], unit: str) -> DataFrame:
    """One row a price list (`number`): `used` of the budget and count_<offer>, customers."""
    used = F.lit(0.0)
    for n in offers:
        used = F.when(F.col("choice") == n, use_of(n, unit)).otherwise(used)
    counts = [F.count(F.when(F.col("choice") == n, 1)).alias(f"count_{n}") for n in offers]
    return chosen.groupBy("number").agg(F.sum(used).alias("used"), *counts)


def highest_gains(options: DataFrame, offers: Sequence[str], unit: str) -> DataFrame:
    """One row: customers; a_unit, the greatest gain for a unit of budget; at_all, of all gains."""
    gains = [F.max(f"gain_{n}") for n in offers]
    rates = [
        F.max(F.when(use_of(n, unit) > 0, F.col(f"gain_{n}") / use_of(n, unit))) for n in offers
    ]
    zero = F.lit(0.0)
    return options.agg(
        F.count("*").alias("customers"),
        F.greatest(*[F.coalesce(c, zero) for c in rates], zero).alias("a_unit"),
        F.greatest(*[F.coalesce(c, zero) for c in gains], zero).alias("at_all"),
    )
