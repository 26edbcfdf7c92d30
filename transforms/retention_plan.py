"""gold.retention_plan: customers to keep, ranked by strategy, under the budget of offer decisions.

Every strategy ranks the same customers: those whose offer can be sent within the period of the plan
(timing `now` or `in_period`). Ties are broken by churn probability, then by customer_id. All other
customers are in each plan without a rank, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from pyspark.sql import Column, DataFrame, Window, functions as F

from contracts.gold_plans import RETENTION_PLAN
from transforms import why_sentences as why
from transforms.conform import conform
from transforms.offers import Offer, has_no_amounts, is_possible
from transforms.send_dates import (
    NEVER,
    NOT_ELIGIBLE,
    SENT_IN_PERIOD,
    final_send_on,
    final_timing,
)

# Columns of a customer that a strategy or a sentence uses.
OF_CUSTOMER = (
    "as_of",
    "customer_id",
    "churn_probability",
    "p_alive",
    "expected_purchases_30d",
    "value_at_stake",
    "value_basis",
    "send_on",
)


def lost_customers(segments: DataFrame) -> DataFrame:
    """One row per lost or terminated customer of gold.customer_segments: why.

    Columns: as_of, customer_id, timing, why. Prospects have no value that could be kept and have no
    row.
    """
    silent = why.filled(why.LOST, days=F.col("recency_days").cast("string"))
    ended = F.col("lifecycle") == "terminated"
    return segments.where(F.col("lifecycle").isin("lost", "terminated")).select(
        "as_of",
        "customer_id",
        F.lit(NEVER).alias("timing"),
        F.when(ended, why.filled(why.TERMINATED)).otherwise(silent).alias("why"),
    )


def plan_rows(options: DataFrame, offers: Sequence[Offer]) -> DataFrame:
    """One row per active or silent customer: OF_CUSTOMER, reason, timing, offer and its value.

    `options` is priced by the rules: the only possible offer of a customer is rule_offer. offer_id
    is null where it is not possible, and `reason` says why. Money is in currency: value_at_risk =
    churn_probability x value_at_stake, expected_value_kept = effect x value_at_stake, cost; null
    where no value is known. net_value is the gain of the offer: expected_value_kept - cost; in a
    company without amounts effect x expected_purchases_30d, in purchases. For an offer `ten`:

    | churn_probability | value_at_stake | effect_ten | value_at_risk | expected_value_kept |
    |---|---|---|---|---|
    | 0.5 | 200 | 0.1 | 0.5 * 200 = 100 | 0.1 * 200 = 20 |
    | 0.5 | null | 0.1 | null | null |
    """
    within = [o.name for o in offers if o.is_in_budget]
    can_get = F.coalesce(_of_rule({n: is_possible(n) for n in within}), F.lit(False))
    reason = F.coalesce(F.col("barrier"), F.when(~can_get, NOT_ELIGIBLE))
    money = {
        kind: _of_rule({n: F.col(f"{kind}_{n}") for n in within})
        for kind in ("effect", "cost", "gain")
    }
    kept = options.where(F.col("lifecycle").isin("active", "silent"))
    return kept.select(
        *OF_CUSTOMER,
        reason.alias("reason"),
        final_timing(reason).alias("timing"),
        F.when(can_get, F.col("rule_offer")).alias("offer_id"),
        (F.col("churn_probability") * F.col("value_at_stake")).alias("value_at_risk"),
        F.when(can_get, money["effect"] * F.col("value_at_stake")).alias("expected_value_kept"),
        money["cost"].alias("cost"),
        money["gain"].alias("net_value"),
    )


def _of_rule(by_offer: Mapping[str, Column]) -> Column:
    """The column of the rule's offer; null if the rule names another offer."""
    value = F.lit(None)
    for name, column in by_offer.items():
        value = F.when(F.col("rule_offer") == name, column).otherwise(value)
    return value


def ranked(rows: DataFrame, strategies: Mapping[str, str], horizon_days: int) -> DataFrame:
    """One row per (strategy, customer) whose offer can be sent in the period: rank from 1, why.

    `rows` come from `plan_rows`. `strategies`: the strategy by the name that the plan states. The
    window sorts the customers of a strategy in one task: about ten million rows at most.
    """
    can_be_sent = rows.where(F.col("timing").isin(*SENT_IN_PERIOD))
    frames = [
        _of_strategy(can_be_sent, name, rule, horizon_days) for name, rule in strategies.items()
    ]
    return reduce(DataFrame.unionByName, frames)


def _of_strategy(rows: DataFrame, name: str, rule: str, horizon_days: int) -> DataFrame:
    first, second, sentence = _rule(rule, horizon_days)
    sorted_by = rows.select(
        "*",
        F.lit(name).alias("strategy"),
        first.alias("first"),
        second.alias("second"),
        sentence.alias("why"),
    )
    order = Window.partitionBy("strategy").orderBy(
        F.col("first").asc_nulls_last(),
        F.col("second").asc_nulls_last(),
        F.col("churn_probability").desc_nulls_last(),
        F.col("customer_id"),
    )
    numbered = sorted_by.select("*", F.row_number().over(order).cast("bigint").alias("rank"))
    return numbered.drop("first", "second")


def _rule(name: str, horizon_days: int) -> tuple[Column, Column, Column]:
    """The first and second sort quantity of a strategy (ascending), and a sentence with both.

    In a company without amounts expected purchases take the place of value_at_stake.
    """
    p, purchases = F.col("churn_probability"), F.col("expected_purchases_30d")
    counted, alive = has_no_amounts(), F.col("p_alive")
    stake = F.when(counted, purchases).otherwise(F.col("value_at_stake"))
    values: dict[str, Column | str] = {
        "horizon_days": str(horizon_days),
        "risk": why.fixed(p * 100, 1),
        "stake": why.fixed(stake),
        "expected_purchases": why.fixed(purchases, 3),
        "p_alive": why.fixed(alive * 100, 1),
        "at_risk": why.fixed(p * stake),
        "kept": why.fixed(F.col("expected_value_kept")),
        "cost": why.fixed(F.col("cost")),
    }

    def said(with_amounts: str, without: str = why.RISK_AND_PURCHASES) -> Column:
        sentence = why.filled(with_amounts, **values)
        return F.when(counted, why.filled(without, **values)).otherwise(sentence)

    if name == "churn_probability":
        return -p, -stake, said(why.CHURN_PROBABILITY)
    if name == "p_alive":
        known, unknown = said(why.P_ALIVE, why.RISK_AND_P_ALIVE), said(why.NO_P_ALIVE)
        # A probability is at most 1, so known ones come first; others follow by expected purchases.
        first = F.coalesce(alive, 1 + purchases)
        second = -F.when(counted, p).otherwise(stake)
        return first, second, F.when(alive.isNotNull(), known).otherwise(unknown)
    if name == "clv_at_risk":
        return -(p * stake), -stake, said(why.CLV_AT_RISK)
    if name == "net_value":
        return -F.col("net_value"), -p, said(why.NET_VALUE)
    lot = F.concat(F.col("customer_id"), F.lit(" "), F.col("as_of").cast("string"))
    return F.md5(lot), F.col("customer_id"), why.filled(why.RANDOM)


@dataclass(frozen=True)
class Budget:
    """The limit of a plan, of `customers` candidates at most.

    size: customers, or money in currency. unit: customers or money. caps: the most customers per
    capped offer.
    """

    size: float
    unit: str
    customers: int
    caps: Mapping[str, int]

    def further(self) -> Budget:
        """The budget plus 1 % of the customers, at least one customer, or plus 1 % of the money."""
        more = self.size * 0.01 if self.unit == "money" else max(0.01 * self.customers, 1.0)
        return replace(self, size=self.size + more)

    def chooses(self) -> Column:
        """True for a row of `with_choice` that is within the budget of its strategy.

        net_value chooses no customer whose offer costs more than it keeps. With a budget of money,
        a customer without a known cost is not chosen.
        """
        if self.unit == "money":
            affordable = F.col("cost").isNotNull() & (F.col("cost_so_far") <= F.lit(self.size))
        else:
            affordable = F.col("turn") <= F.lit(int(self.size + 1e-9))
        pays = F.coalesce(F.col("net_value") > 0, F.lit(False))
        is_allowed = pays | (F.col("strategy") != "net_value")
        return F.col("is_within_cap") & affordable & is_allowed


def with_choice(plan: DataFrame, budget: Budget) -> DataFrame:
    """Add is_within_cap, turn and cost_so_far (those within the caps up to the row), is_chosen."""
    cap = F.lit(None).cast("bigint")
    for name, most in budget.caps.items():
        cap = F.when(F.col("offer_id") == name, most).otherwise(cap)
    of_offer = Window.partitionBy("strategy", "offer_id").orderBy("rank")
    is_within = F.coalesce(F.row_number().over(of_offer) <= cap, F.lit(True))
    capped = plan.select("*", is_within.alias("is_within_cap"))
    so_far = Window.partitionBy("strategy").orderBy("rank")
    so_far = so_far.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    counted = capped.select(
        "*",
        F.sum(F.col("is_within_cap").cast("int")).over(so_far).alias("turn"),
        F.sum(F.when(F.col("is_within_cap"), F.col("cost"))).over(so_far).alias("cost_so_far"),
    )
    return counted.select("*", budget.chooses().alias("is_chosen"))


def retention_plan(
    chosen: DataFrame, rows: DataFrame, lost: DataFrame, *, strategies: Sequence[str]
) -> DataFrame:
    """One row per (as_of, strategy, customer_id), as in gold.retention_plan.

    `chosen` comes from `with_choice`, `rows` from `plan_rows`, `lost` from `lost_customers`. Those
    who cannot be sent an offer in the period, and the lost, are in each strategy without a rank.
    """
    names = [c for c in chosen.columns if c != "send_on"]
    ranks = chosen.select(
        *names, final_send_on(F.col("is_chosen"), F.col("reason")).alias("send_on")
    )
    words, day = why.reason_of(F.col("reason")), final_send_on(F.lit(False), F.col("reason"))
    planned = why.filled(why.PLANNED_LATER, reason=words, send_on=day.cast("string"))
    waiting = rows.where(~F.col("timing").isin(*SENT_IN_PERIOD)).select(
        "as_of",
        "customer_id",
        "timing",
        F.coalesce(planned, why.filled(why.LEFT_OUT, reason=words)).alias("why"),
        day.alias("send_on"),
    )
    gone = lost.select("*", F.lit(None).cast("date").alias("send_on"))
    left_out = _left_out(waiting.unionByName(gone), strategies)
    return conform(ranks, RETENTION_PLAN).unionByName(left_out)


def _left_out(rows: DataFrame, strategies: Sequence[str]) -> DataFrame:
    nothing = ("rank", "offer_id", "expected_value_kept", "cost")
    each = rows.select(
        "*",
        F.explode(F.array(*[F.lit(name) for name in strategies])).alias("strategy"),
        F.lit(False).alias("is_chosen"),
        *[F.lit(None).alias(name) for name in nothing],
    )
    return conform(each, RETENTION_PLAN)
