"""gold.retention_plan and strategy_comparison: customers to keep, ranked by strategy.

Every strategy ranks the same customers. Ties are broken by a second quantity, then by customer_id.
Lost customers are in each plan without a rank.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

from pyspark.sql import Column, DataFrame, Window, functions as F

from contracts.gold_lifetime import RETENTION_PLAN, STRATEGY_COMPARISON
from transforms import why_sentences as why
from transforms.conform import conform
from transforms.offers import Offer

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
class AssumedOffer:
    """Assumptions of a plan about an offer. effect: relative reduction of the churn probability."""

    offer: Offer
    effect: float
    redeemed_share: float

    def assumption(self) -> str:
        """One sentence that states the source of the effect."""
        cost = (
            f"{self.offer.share:.1%} of value_at_stake"
            if self.offer.share is not None
            else f"{self.offer.money:.2f} in money"
        )
        return (
            f"assumed in conf, not measured: {self.offer.name} lowers the churn probability by "
            f"{self.effect:.1%} of its value and costs {cost} when redeemed; "
            f"{self.redeemed_share:.1%} redeem it"
        )


def lost_customers(segments: DataFrame) -> DataFrame:
    """One row per lost or terminated customer of gold.customer_segments: why.

    Columns: as_of, customer_id, why. Prospects have no value that could be kept and have no row.
    """
    silent = why.filled(why.LOST, days=F.col("recency_days").cast("string"))
    ended = F.col("lifecycle") == "terminated"
    return segments.where(F.col("lifecycle").isin("lost", "terminated")).select(
        "as_of",
        "customer_id",
        F.when(ended, why.filled(why.TERMINATED)).otherwise(silent).alias("why"),
    )


def with_expectations(scores: DataFrame, assumed: AssumedOffer) -> DataFrame:
    """One row per customer: INPUTS, value_at_risk, expected_value_kept, cost, net_value.

    Money is in currency. value_at_risk = churn_probability x value_at_stake. All four are null
    where no value is known. A cost given as a share is a share of value_at_stake: a customer who
    redeems the offer has stayed. A share of clv_12m would make long-silent customers look cheap.
    With an effect of 0.2, a cost share of 0.1 and a redeemed share of 0.5:

    | churn_probability | value_at_stake | value_at_risk | expected_value_kept | cost | net_value |
    |---|---|---|---|---|---|
    | 0.5 | 200 | 0.5 * 200 = 100 | 100 * 0.2 = 20 | 200 * 0.1 * 0.5 = 10 | 20 - 10 = 10 |
    | 0.5 | null | null | null | null | null |
    """
    at_risk = F.col("churn_probability") * F.col("value_at_stake")
    price = (
        F.lit(assumed.offer.share) * F.col("value_at_stake")
        if assumed.offer.share is not None
        else F.lit(assumed.offer.money).cast("double")
    )
    rows = scores.select(
        *INPUTS,
        at_risk.alias("value_at_risk"),
        (at_risk * F.lit(assumed.effect)).alias("expected_value_kept"),
        F.when(at_risk.isNotNull(), price * F.lit(assumed.redeemed_share)).alias("cost"),
    )
    return rows.select("*", (F.col("expected_value_kept") - F.col("cost")).alias("net_value"))


def ranked(rows: DataFrame, strategies: Sequence[str], horizon_days: int) -> DataFrame:
    """One row per (strategy, customer): rank from 1, cost_so_far (currency), why.

    The window sorts the customers of a strategy in one task: about ten million rows at most.
    """
    frames = [_of_strategy(rows, name, horizon_days) for name in strategies]
    return reduce(DataFrame.unionByName, frames)


def _of_strategy(rows: DataFrame, name: str, horizon_days: int) -> DataFrame:
    first, second, sentence = _rule(name, horizon_days)
    sorted_by = rows.select(
        "*",
        F.lit(name).alias("strategy"),
        first.alias("first"),
        second.alias("second"),
        sentence.alias("why"),
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
    """The first and second sort quantity of a strategy (ascending), and a sentence with both."""
    p, stake = F.col("churn_probability"), F.col("value_at_stake")
    values: dict[str, Column | str] = {
        "horizon_days": str(horizon_days),
        "risk": why.fixed(p * 100, 1),
        "stake": why.fixed(stake),
    }
    if name == "churn_probability":
        return -p, -stake, why.filled(why.CHURN_PROBABILITY, **values)
    if name == "p_alive":
        alive, purchases = F.col("p_alive"), F.col("expected_purchases_30d")
        known = why.filled(why.P_ALIVE, p_alive=why.fixed(alive * 100, 1), **values)
        unknown = why.filled(why.NO_P_ALIVE, expected_purchases=why.fixed(purchases, 3), **values)
        # A probability is at most 1, so known ones come first; others follow by expected purchases.
        first = F.coalesce(alive, 1 + purchases)
        return first, -stake, F.when(alive.isNotNull(), known).otherwise(unknown)
    if name == "clv_at_risk":
        at_risk = F.col("value_at_risk")
        sentence = why.filled(why.CLV_AT_RISK, at_risk=why.fixed(at_risk), **values)
        return -at_risk, -stake, sentence
    if name == "net_value":
        kept, cost = why.fixed(F.col("expected_value_kept")), why.fixed(F.col("cost"))
        return -F.col("net_value"), -p, why.filled(why.NET_VALUE, kept=kept, cost=cost)
    lot = F.concat(F.col("customer_id"), F.lit(" "), F.col("as_of").cast("string"))
    return F.md5(lot), F.col("customer_id"), why.filled(why.RANDOM)


@dataclass(frozen=True)
class Budget:
    """The limit of a plan: a share of `customers` (all candidates), or `money` in currency."""

    customers: int
    share: float | None
    money: float | None

    def further(self) -> Budget:
        """The budget plus 1 % of the customers, at least one customer, or plus 1 % of the money."""
        if self.money is not None:
            return replace(self, money=self.money * 1.01)
        return replace(self, share=(self.share or 0.0) + max(0.01, 1 / self.customers))

    def chooses(self) -> Column:
        """True for a row of `ranked` that is within the budget of its strategy.

        net_value chooses no customer whose offer costs more than it keeps. With a budget of money,
        a customer without a known cost is not chosen.
        """
        if self.money is not None:
            affordable = F.col("cost").isNotNull() & (F.col("cost_so_far") <= F.lit(self.money))
        else:
            affordable = F.col("rank") <= F.lit(int((self.share or 0.0) * self.customers + 1e-9))
        pays = F.coalesce(F.col("net_value") > 0, F.lit(False))
        return affordable & (pays | (F.col("strategy") != "net_value"))


def with_choice(plan: DataFrame, budget: Budget) -> DataFrame:
    """Add is_chosen: the customer is within the budget of the strategy."""
    return plan.select("*", budget.chooses().alias("is_chosen"))


def retention_plan(
    plan: DataFrame,
    assumed: AssumedOffer,
    send_days_before: int,
    *,
    lost: DataFrame | None = None,
    strategies: Sequence[str] = (),
) -> DataFrame:
    """One row per (as_of, strategy, customer_id), as in gold.retention_plan.

    `plan` comes from `with_choice`. `lost` are the `lost_customers`, added to each of the
    `strategies` without a rank. send_on is likely_churn_date - send_days_before, but never before
    as_of + 1; null where not chosen. With send_days_before 7:

    | as_of | likely_churn_date | is_chosen | send_on |
    |---|---|---|---|
    | 2026-01-01 | 2026-02-01 | true | 2026-01-25 |
    | 2026-01-01 | 2026-01-05 | true | 2026-01-02 |
    | 2026-01-01 | null | true | 2026-01-02 |
    | 2026-01-01 | 2026-02-01 | false | null |
    """
    tomorrow = F.date_add(F.col("as_of"), 1)
    ahead = F.date_sub(F.col("likely_churn_date"), send_days_before)
    send_on = F.greatest(F.coalesce(ahead, tomorrow), tomorrow).cast("date")
    rows = plan.select(
        *[c for c in plan.columns if c != "cost_so_far"],
        F.lit(assumed.offer.name).alias("offer_id"),
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


def value_kept(plan: DataFrame, labels: DataFrame, assumed: AssumedOffer) -> DataFrame:
    """One row per strategy: value_kept of a past plan (currency), with a 95 % interval.

    `labels` has customer_id and churned of the plan's day. value_kept is the assumed effect times
    the value_at_stake of the chosen customers who did churn. The interval is that of a sum over
    independent customers.
    """
    known = plan.join(labels, on="customer_id", how="inner")
    kept = F.when(
        F.col("is_chosen") & (F.col("churned") == 1),
        F.col("value_at_stake") * F.lit(assumed.effect),
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
    plan: DataFrame, kept: DataFrame, assumed: AssumedOffer, *, as_of: dt.date, budget: Budget
) -> DataFrame:
    """One row per pair of strategies, as in gold.strategy_comparison.

    `plan` comes from `with_choice`, `kept` from `value_kept`.
    """
    is_next = (budget.further().chooses() & ~F.col("is_chosen")).cast("int")
    at_risk = F.when(F.col("is_chosen"), F.col("value_at_risk"))
    own = plan.groupBy("strategy").agg(
        F.sum(F.col("is_chosen").cast("int")).alias("chosen"),
        (F.sum(at_risk) / F.nullif(F.sum("value_at_risk"), F.lit(0.0))).alias(
            "value_at_stake_covered"
        ),
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
        F.lit(assumed.assumption()).alias("assumption"),
    )
    return conform(rows, STRATEGY_COMPARISON)
