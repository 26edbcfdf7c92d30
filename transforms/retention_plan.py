"""gold.retention_plan and strategy_comparison: whom to keep, by which rule, and what it is worth.

Every strategy ranks the same customers; ties are broken by the second quantity, then by the id.
Whom nobody can keep any more stands in each plan without a rank.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

from pyspark.sql import Column, DataFrame, Window, functions as F

from contracts.gold_lifetime import RETENTION_PLAN, STRATEGY_COMPARISON
from transforms.conform import conform

INPUTS = (
    "as_of",
    "customer_id",
    "churn_probability",
    "p_alive",
    "expected_purchases_30d",
    "clv_12m",
    "value_at_stake",
    "likely_churn_date",
)
NORMAL_95 = 1.959964


@dataclass(frozen=True)
class Offer:
    """What a plan assumes of the offer; effect: share of the churn probability it takes away."""

    offer_id: str
    effect: float
    redeemed_share: float
    cost_share: float | None
    cost_money: float | None

    def assumption(self) -> str:
        """One sentence that names where the effect comes from."""
        cost = (
            f"{self.cost_share:.1%} of value_at_stake"
            if self.cost_share is not None
            else f"{self.cost_money:.2f} in money"
        )
        return (
            f"assumed in conf, not measured: {self.offer_id} takes away {self.effect:.1%} of the "
            f"churn probability, costs {cost} when redeemed, by {self.redeemed_share:.1%}"
        )


def lost_customers(segments: DataFrame) -> DataFrame:
    """One row a customer of gold.customer_segments who is lost or terminated: as_of, customer_id,
    why. Prospects have nothing that could be kept, and are no row."""
    silent = F.concat(
        F.lit("Left out: already lost, the last purchase was "),
        F.col("recency_days").cast("string"),
        F.lit(" days ago."),
    )
    ended = F.col("lifecycle") == "terminated"
    return segments.where(F.col("lifecycle").isin("lost", "terminated")).select(
        "as_of",
        "customer_id",
        F.when(ended, F.lit("Left out: the contract has ended.")).otherwise(silent).alias("why"),
    )


def with_expectations(scores: DataFrame, offer: Offer) -> DataFrame:
    """One row a customer: INPUTS, value_at_risk, expected_value_kept, cost, net_value.

    value_at_risk = churn_probability x value_at_stake. Null where no value is known. A cost that
    is a share is one of value_at_stake: who redeems has stayed, so what is given away is a share of
    what a customer who stays brings. A share of clv_12m would make the long silent look cheap.
    """
    at_risk = F.col("churn_probability") * F.col("value_at_stake")
    price = (
        F.lit(offer.cost_share) * F.col("value_at_stake")
        if offer.cost_share is not None
        else F.lit(offer.cost_money).cast("double")
    )
    rows = scores.select(
        *INPUTS,
        at_risk.alias("value_at_risk"),
        (at_risk * F.lit(offer.effect)).alias("expected_value_kept"),
        F.when(at_risk.isNotNull(), price * F.lit(offer.redeemed_share)).alias("cost"),
    )
    return rows.select("*", (F.col("expected_value_kept") - F.col("cost")).alias("net_value"))


def ranked(rows: DataFrame, strategies: Sequence[str], horizon_days: int) -> DataFrame:
    """One row a (strategy, customer): rank from 1, cost_so_far, why.

    The window sorts the customers of a strategy in one task: some ten million rows at most.
    """
    every = [_of_strategy(rows, name, horizon_days) for name in strategies]
    return reduce(DataFrame.unionByName, every)


def _of_strategy(rows: DataFrame, name: str, horizon_days: int) -> DataFrame:
    first, second, why = _rule(name, horizon_days)
    sorted_by = rows.select(
        "*",
        F.lit(name).alias("strategy"),
        first.alias("first"),
        second.alias("second"),
        why.alias("why"),
    )
    order = Window.partitionBy("strategy").orderBy(
        F.col("first").asc_nulls_last(), F.col("second").asc_nulls_last(), F.col("customer_id")
    )
    so_far = order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    return sorted_by.select(
        "*",
        F.row_number().over(order).cast("bigint").alias("rank"),
        F.sum("cost").over(so_far).alias("cost_so_far"),
    ).drop("first", "second")


def _rule(name: str, horizon_days: int) -> tuple[Column, Column, Column]:
    """What a strategy sorts by (ascending), then by, and the sentence that says it."""
    p, stake = F.col("churn_probability"), F.col("value_at_stake")
    leaves = F.concat(F.lit("Leaves within "), F.lit(str(horizon_days)), F.lit(" days with "))
    chance = F.concat(leaves, _percent(p))
    worth = F.concat(_money(stake), F.lit(" of 12 months at stake"))
    if name == "churn_probability":
        return -p, -stake, F.concat(chance, F.lit(", "), worth, F.lit("."))
    if name == "p_alive":
        alive = F.concat(F.lit("Still a customer with "), _percent(F.col("p_alive")))
        buys = F.concat(
            F.lit("P(alive) is not known; expected purchases in 30 days "),
            _decimals(F.col("expected_purchases_30d")),
        )
        said = F.when(F.col("p_alive").isNotNull(), alive).otherwise(buys)
        # A probability is at most 1: whose is known come first, the others by what they will buy.
        first = F.coalesce(F.col("p_alive"), 1 + F.col("expected_purchases_30d"))
        return first, -stake, F.concat(said, F.lit(", "), worth, F.lit("."))
    if name == "clv_at_risk":
        product = F.concat(
            chance, F.lit(" and "), worth, F.lit(": "), _money(F.col("value_at_risk"))
        )
        return -F.col("value_at_risk"), -stake, F.concat(product, F.lit(" at risk."))
    if name == "net_value":
        net = F.concat(
            F.lit("The offer is expected to keep "),
            _money(F.col("expected_value_kept")),
            F.lit(" and to cost "),
            _money(F.col("cost")),
            F.lit("."),
        )
        return -F.col("net_value"), -p, net
    lot = F.concat(F.col("customer_id"), F.lit(" "), F.col("as_of").cast("string"))
    drawn = F.lit("Drawn by lot: neither risk nor worth counts.")
    return F.md5(lot), F.col("customer_id"), drawn


@dataclass(frozen=True)
class Budget:
    """What may be spent: on a share of `customers`, all there are to choose from, or `money`."""

    customers: int
    share: float | None
    money: float | None

    def further(self) -> Budget:
        """One per cent of the customers more, at least one of them; or of the money."""
        if self.money is not None:
            return replace(self, money=self.money * 1.01)
        return replace(self, share=(self.share or 0.0) + max(0.01, 1 / self.customers))

    def chooses(self) -> Column:
        """Whether a row of `ranked` is among the first of its strategy that the budget reaches.

        net_value chooses nobody whose offer costs more than it keeps. Without a known cost nobody
        can be paid for.
        """
        if self.money is not None:
            affordable = F.col("cost").isNotNull() & (F.col("cost_so_far") <= F.lit(self.money))
        else:
            affordable = F.col("rank") <= F.lit(int((self.share or 0.0) * self.customers + 1e-9))
        pays = F.coalesce(F.col("net_value") > 0, F.lit(False))
        return affordable & (pays | (F.col("strategy") != "net_value"))


def with_choice(plan: DataFrame, budget: Budget) -> DataFrame:
    """Add is_chosen, within the budget."""
    return plan.select("*", budget.chooses().alias("is_chosen"))


def retention_plan(
    plan: DataFrame,
    offer: Offer,
    send_days_before: int,
    lost: DataFrame | None = None,
    strategies: Sequence[str] = (),
) -> DataFrame:
    """gold.retention_plan from `with_choice`, and of each strategy the `lost_customers`.

    Sent `send_days_before` likely_churn_date, but not before the day after as_of: a date nearer
    than that, or none, gives the day after.
    """
    tomorrow = F.date_add(F.col("as_of"), 1)
    ahead = F.date_sub(F.col("likely_churn_date"), send_days_before)
    send_on = F.greatest(F.coalesce(ahead, tomorrow), tomorrow).cast("date")
    rows = plan.select(
        *[c for c in plan.columns if c != "cost_so_far"],
        F.lit(offer.offer_id).alias("offer_id"),
        F.when(F.col("is_chosen"), send_on).alias("send_on"),
    )
    ranks = conform(rows, RETENTION_PLAN)
    return ranks if lost is None else ranks.unionByName(_left_out(lost, strategies))


def _left_out(lost: DataFrame, strategies: Sequence[str]) -> DataFrame:
    nothing = ("rank", "offer_id", "send_on", "expected_value_kept", "cost")
    rows = lost.select(
        "*",
        F.explode(F.array(*[F.lit(name) for name in strategies])).alias("strategy"),
        F.lit(False).alias("is_chosen"),
        *[F.lit(None).alias(name) for name in nothing],
    )
    return conform(rows, RETENTION_PLAN)


def value_kept(plan: DataFrame, labels: DataFrame, offer: Offer) -> DataFrame:
    """One row a strategy: value_kept of a past plan, with a 95 % interval over customers.

    `labels` has customer_id and churned of the plan's day. Kept: the assumed share of those chosen
    who did leave, by their value_at_stake; the interval is that of a sum of independent customers.
    """
    known = plan.join(labels, on="customer_id", how="inner")
    kept = F.when(
        F.col("is_chosen") & (F.col("churned") == 1),
        F.col("value_at_stake") * F.lit(offer.effect),
    )
    each = known.select("strategy", F.coalesce(kept, F.lit(0.0)).alias("kept"))
    sums = each.groupBy("strategy").agg(
        F.sum("kept").alias("value_kept"),
        (F.sqrt(F.count("*")) * F.coalesce(F.stddev("kept"), F.lit(0.0))).alias("error"),
    )
    return sums.select(
        "strategy",
        "value_kept",
        F.greatest(F.col("value_kept") - F.col("error") * NORMAL_95, F.lit(0.0)).alias("ci_low"),
        (F.col("value_kept") + F.col("error") * NORMAL_95).alias("ci_high"),
    )


def strategy_comparison(
    plan: DataFrame, kept: DataFrame, offer: Offer, as_of: dt.date, budget: Budget
) -> DataFrame:
    """gold.strategy_comparison from `with_choice` and `value_kept`: every pair of strategies."""
    is_next = (budget.further().chooses() & ~F.col("is_chosen")).cast("int")
    at_risk = F.when(F.col("is_chosen"), F.col("value_at_risk"))
    own = plan.groupBy("strategy").agg(
        F.sum(F.col("is_chosen").cast("int")).alias("chosen"),
        (F.sum(at_risk) / F.sum("value_at_risk")).alias("value_at_stake_covered"),
        F.sum(is_next * F.col("expected_value_kept")).alias("next_1pct_value"),
    )
    chosen = plan.where("is_chosen").select("strategy", "customer_id")
    other = chosen.select(F.col("strategy").alias("other_strategy"), "customer_id")
    shared = (
        chosen.join(other, on="customer_id", how="inner")
        .groupBy("strategy", "other_strategy")
        .agg(F.count("*").alias("both"))
    )
    others = own.select(
        F.col("strategy").alias("other_strategy"), F.col("chosen").alias("other_chosen")
    )
    pairs = own.crossJoin(others).join(shared, on=["strategy", "other_strategy"], how="left")
    pairs = pairs.join(kept, on="strategy", how="left")
    counted = pairs.select("*", F.coalesce(F.col("both"), F.lit(0)).alias("shared"))
    either = F.col("chosen") + F.col("other_chosen") - F.col("shared")
    rows = counted.select(
        *counted.columns,
        F.lit(as_of).cast("date").alias("as_of"),
        F.when(either > 0, F.col("shared") / either).alias("jaccard"),
        F.lit(offer.assumption()).alias("assumption"),
    )
    return conform(rows, STRATEGY_COMPARISON)


def _percent(share: Column) -> Column:
    return F.concat(_fixed(share * 100, 1), F.lit(" %"))


def _money(amount: Column) -> Column:
    return _fixed(amount, 2)


def _decimals(number: Column) -> Column:
    return _fixed(number, 3)


def _fixed(number: Column, places: int) -> Column:
    """As text with so many decimals; "unknown" for null."""
    text = F.round(number, places).cast(f"decimal(18,{places})").cast("string")
    return F.coalesce(text, F.lit("unknown"))
