"""Allocates offers under one budget: a multiple-choice knapsack by Lagrangian relaxation.

Given a price p per unit of budget and a price m_k per capped offer k, each customer's best choice
is the offer with the greatest gain_k - p * use_k - m_k above zero. The problem thus separates by
customer, so one pass over the rows evaluates several prices at once. pipelines.offers.shadow_prices
searches the prices.
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
    """Prices to try on one axis (BUDGET or a capped offer): `count` prices low, low + step, ..."""

    axis: str
    low: float
    step: float
    count: int


def use_of(name: str, unit: str) -> Column:
    """Budget that one customer's offer uses: its cost, or 1 where the budget counts customers."""
    return F.col(f"cost_{name}") if unit == "money" else F.lit(1.0)


def with_prices(
    options: DataFrame,
    offers: Sequence[str],
    prices: Mapping[str, float],
    *,
    grid: Grid | None = None,
) -> DataFrame:
    """One row per customer and price of the grid: adds p_budget, p_<offer> and `number`.

    Without a grid there is one row per customer, and no `number`. `prices` holds the prices of the
    other axes, keyed by BUDGET or the offer's name. A missing price is 0.
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
    *,
    cheap: Mapping[str, float],
    dear: Mapping[str, float],
) -> DataFrame:
    """Add choice_cheap and choice_dear: the choices at a low and at a high price on one axis.

    Scores are linear in the price. Where both choices are equal, the choice is therefore the same
    at every price in between.
    """
    rows = options
    for name, prices in (("choice_cheap", cheap), ("choice_dear", dear)):
        chosen = with_choice(with_prices(rows, offers, prices), offers, unit)
        rows = chosen.select(*[F.col(c) for c in rows.columns], F.col("choice").alias(name))
    return rows


def with_choice(priced: DataFrame, offers: Sequence[str], unit: str) -> DataFrame:
    """One row per input row: adds `choice` (an offer, or "none") and `margin`.

    `choice` is the offer with the greatest score above zero, else "none". Ties go to the first
    offer. Also adds `margin`: the difference between the score of the choice and the second-best
    score, with "none" counted as a choice of score 0. The smaller the margin, the smaller the price
    change that changes the choice. An offer with a null gain is not a candidate. With offers a and
    b, a budget that counts customers and p_budget = 1:

    | gain_a | gain_b | choice | margin |
    |---|---|---|---|
    | 4 | 2 | a | 3 - 1 = 2 |
    | 3 | 3 | a | 0 |
    | 0.5 | null | none | 0 - -0.5 = 0.5 |
    | null | 6 | b | 5 - 0 = 5 |
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
    others = [
        F.when(F.col("choice") == n, F.lit(_NOTHING)).otherwise(F.col(f"score_{n}")) for n in offers
    ]
    nothing = F.when(F.col("choice") == NONE, F.lit(_NOTHING)).otherwise(F.lit(0.0))
    return chosen.select(
        *[F.col(c) for c in priced.columns],
        F.col("choice"),
        (F.col("best") - F.greatest(*others, nothing)).alias("margin"),
    )


def totals(chosen: DataFrame, offers: Sequence[str], unit: str) -> DataFrame:
    """One row per price list (`number`): `used` (budget used) and count_<offer> (customers)."""
    used = F.lit(0.0)
    for n in offers:
        used = F.when(F.col("choice") == n, use_of(n, unit)).otherwise(used)
    counts = [F.count(F.when(F.col("choice") == n, 1)).alias(f"count_{n}") for n in offers]
    return chosen.groupBy("number").agg(F.sum(used).alias("used"), *counts)


def highest_gains(options: DataFrame, offers: Sequence[str], unit: str) -> DataFrame:
    """One row: customers; a_unit, the highest gain per unit of budget; at_all, the highest gain."""
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
