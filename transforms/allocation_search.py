"""Steps of the search for shadow prices, and the choices of the exact solver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pyspark.sql import DataFrame, functions as F

from transforms.allocation import NONE, totals, with_choices_at_ends
from udfs.shares import is_in_share_column


def keep_price_sample(options: DataFrame, share: float) -> DataFrame:
    """A share of the customers, selected by a hash of customer_id."""
    return options.where(is_in_share_column(share, "price", "customer_id"))


def keep_with_gain(options: DataFrame, offers: Sequence[str]) -> DataFrame:
    """The customers with at least one offer whose gain is above 0."""
    has_gain = F.lit(False)
    for name in offers:
        has_gain = has_gain | (F.coalesce(F.col(f"gain_{name}"), F.lit(0.0)) > 0)
    return options.where(has_gain)


def keep_choice(chosen: DataFrame, name: str) -> DataFrame:
    """The customers whose choice is this offer."""
    return chosen.where(F.col("choice") == name)


class BetweenPrices(NamedTuple):
    """Customers between two prices.

    settled: `totals` of those with the same choice at both prices (no row without such customers).
    undecided: the options of those whose choice differs.
    """

    settled: DataFrame
    undecided: DataFrame


def between_prices(
    options: DataFrame,
    offers: Sequence[str],
    unit: str,
    *,
    cheap: Mapping[str, float],
    dear: Mapping[str, float],
) -> BetweenPrices:
    """Split the customers by whether their choice differs at two lists of prices."""
    both = with_choices_at_ends(options, offers, unit, cheap=cheap, dear=dear)
    is_same = F.col("choice_cheap") == F.col("choice_dear")
    same = both.where(is_same).select("*", F.col("choice_dear").alias("choice"))
    undecided = both.where(~is_same).select(*[F.col(c) for c in options.columns])
    return BetweenPrices(plan_totals(same, offers, unit), undecided)


def plan_totals(chosen: DataFrame, offers: Sequence[str], unit: str) -> DataFrame:
    """`totals` of one list of prices: one row, or none without customers."""
    columns = [c for c in chosen.columns if c != "number"]
    return totals(chosen.select(*columns, F.lit(0).alias("number")), offers, unit)


def keep_next(priced: DataFrame, offers: Sequence[str], count: int) -> DataFrame:
    """The `count` first customers of a budget in customers who have no offer: customer_id, next.

    `priced` comes from `with_choice`. `next` is the offer with the greatest gain, above 0; ties go
    to the first offer. The customers are sorted by that gain, then by churn_probability (if the
    frame has it), both from the highest on, then by customer_id.
    """
    gains = {n: F.coalesce(F.col(f"gain_{n}"), F.lit(0.0)) for n in offers}
    best = F.greatest(*gains.values(), F.lit(0.0))
    following = F.lit(NONE)
    for n in reversed(offers):
        following = F.when(gains[n] >= best, n).otherwise(following)
    waiting = priced.where(F.col("choice") == NONE).select(
        "*", best.alias("best"), following.alias("next")
    )
    names = [c for c in ("best", "churn_probability") if c in waiting.columns]
    order = [F.col(c).desc_nulls_last() for c in names]
    first = waiting.where(F.col("best") > 0).orderBy(*order, "customer_id")
    return first.limit(count).select("customer_id", "next")


def with_next_choice(chosen: DataFrame, following: DataFrame) -> DataFrame:
    """One row per customer: choice is replaced for the customers of `keep_next`."""
    joined = chosen.join(following, on="customer_id", how="left")
    choice = F.coalesce(F.col("next"), F.col("choice"))
    names = [c for c in chosen.columns if c != "choice"]
    return joined.select(*names, choice.alias("choice"))


def with_solved_choice(
    chosen: DataFrame, solved: Mapping[str, str], columns: Sequence[str]
) -> DataFrame:
    """One row per customer: `columns` and choice, replaced for the customers in `solved`.

    `solved`: choice by customer_id. Each id becomes a literal of the query, so there must be few.
    """
    choice = F.col("choice")
    for name in sorted(set(solved.values())):
        ids = sorted(customer for customer, solution in solved.items() if solution == name)
        choice = F.when(F.col("customer_id").isin(*ids), name).otherwise(choice)
    return chosen.select(*[F.col(c) for c in columns], choice.alias("choice"))
