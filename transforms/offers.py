"""Which offers come into question for whom, what each would bring and cost, and when to send it.

Frames of options are wide: one row a customer, for each offer the columns effect_<offer>,
gain_<offer>, cost_<offer>; null: the offer does not come into question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, functions as F

RULES = ("recency_and_order_value", "support_tickets", "feature_usage", "many_orders", "default")
KEPT = ("active", "silent")


@dataclass(frozen=True)
class Offer:
    """What a decision needs to know of an offer; costs as in conf/offers.yaml."""

    name: str
    share: float | None
    money: float | None
    is_paid_on_redemption: bool
    again_after_days: int
    most_customers: int | None
    eligible: str | None
    is_in_budget: bool


def factor_flags(risk_factors: DataFrame, factors: Mapping[str, Sequence[str]]) -> DataFrame:
    """One row a customer with factors: is_<factor>_up and is_<factor>_down for each of `factors`.

    Up: one of its features is among the top five with impact > 0; down: with impact < 0.
    """
    flags = []
    for name, features in factors.items():
        among = F.col("feature").isin(*features)
        for way, sign in (("up", F.col("impact") > 0), ("down", F.col("impact") < 0)):
            hit = F.max(F.when(among & sign, 1).otherwise(0)) == 1
            flags.append(hit.alias(f"is_{name}_{way}"))
    return risk_factors.groupBy("customer_id").agg(*flags)


def with_rule(people: DataFrame, high_risk_from: float, many_orders: int) -> DataFrame:
    """Add `rule`, the first of RULES that fires, and `rule_offer`. A missing factor does not fire.

    | factors | total_orders | p | rule | rule_offer |
    |---|---|---|---|---|
    | recency up, order value down | 30 | 0.59 | recency_and_order_value | discount_10 |
    | recency up, order value down | 30 | 0.60 | recency_and_order_value | discount_20 |
    | support tickets up | 30 | 0.9 | support_tickets | personal_manager |
    | none | 21 | 0.9 | many_orders | loyalty_bonus |
    | none | 20 | 0.9 | default | discount_10 |
    """

    def flag(name: str) -> Column:
        return F.coalesce(F.col(name), F.lit(False))

    rule = (
        F.when(flag("is_recency_up") & flag("is_order_value_down"), RULES[0])
        .when(flag("is_support_tickets_up"), RULES[1])
        .when(flag("is_feature_usage_down"), RULES[2])
        .when(F.col("total_orders") > many_orders, RULES[3])
        .otherwise(RULES[4])
    )
    ruled = people.select("*", rule.alias("rule"))
    is_high = F.col("churn_probability") >= high_risk_from
    offer = (
        F.when((F.col("rule") == RULES[0]) & is_high, "discount_20")
        .when(F.col("rule") == RULES[1], "personal_manager")
        .when(F.col("rule") == RULES[2], "feature_unlock")
        .when(F.col("rule") == RULES[3], "loyalty_bonus")
        .otherwise("discount_10")
    )
    return ruled.select("*", offer.alias("rule_offer"))


def assumed_effects(ruled: DataFrame, offers: Sequence[Offer], assumed_effect: float) -> DataFrame:
    """Add effect_<offer>: for the rule's offer a share of the churn probability, else null."""
    effect = F.col("churn_probability") * F.lit(assumed_effect)
    return ruled.select(
        "*",
        *[F.when(F.col("rule_offer") == o.name, effect).alias(f"effect_{o.name}") for o in offers],
    )


def measured_effects(people: DataFrame, effects: DataFrame, offers: Sequence[Offer]) -> DataFrame:
    """Add effect_<offer> from rows (customer_id, offer_id, effect); null where none is known."""
    wide = effects.groupBy("customer_id").agg(
        *[
            F.max(F.when(F.col("offer_id") == o.name, F.col("effect"))).alias(f"effect_{o.name}")
            for o in offers
        ]
    )
    return people.join(wide, on="customer_id", how="left")


def with_send_on(people: DataFrame, fewest_days: int, most_days: int) -> DataFrame:
    """Add `send_on`: the first day after as_of, most to fewest days before likely_churn_date.

    as_of + 1 where that date is null, or nearer than `fewest_days`.

    | as_of | likely_churn_date | send_on (7, 14) |
    |---|---|---|
    | 01-01 | 02-01 | 01-18 |
    | 01-01 | 01-10 | 01-02 |
    | 01-01 | null | 01-02 |
    """
    tomorrow = F.date_add(F.col("as_of"), 1)
    first = F.date_add(F.col("likely_churn_date"), -most_days)
    last = F.date_add(F.col("likely_churn_date"), -fewest_days)
    in_time = F.when(first > tomorrow, first).otherwise(tomorrow)
    send_on = F.when(last >= tomorrow, in_time).otherwise(tomorrow)
    return people.select("*", send_on.cast("date").alias("send_on"))


def last_contacts(contacts: DataFrame, offers: Sequence[Offer]) -> DataFrame:
    """One row a contacted customer: last_on (any offer), last_on_<offer>.

    `contacts` has customer_id, offer_id and contacted_on, of those who were sent something.
    """
    each = [
        F.max(F.when(F.col("offer_id") == o.name, F.col("contacted_on"))).alias(f"last_on_{o.name}")
        for o in offers
    ]
    return contacts.groupBy("customer_id").agg(F.max("contacted_on").alias("last_on"), *each)


def with_barrier(people: DataFrame, cooling_off_days: int) -> DataFrame:
    """Add `barrier`: opted_out or cooling_off where no offer at all may be sent, else null.

    Someone may be written to again on the day last_on + cooling_off_days.
    """
    is_cooling = F.datediff(F.col("send_on"), F.col("last_on")) < cooling_off_days
    barrier = F.when(F.col("is_opted_out"), "opted_out").when(is_cooling, "cooling_off")
    return people.select("*", barrier.alias("barrier"))


def with_costs_and_gains(
    people: DataFrame, offers: Sequence[Offer], redemption_rate: float
) -> DataFrame:
    """Add cost_<offer> and gain_<offer> = effect x value_at_stake - cost, null where barred.

    Barred are customers with a barrier, offers outside their condition or sent too lately, and
    those that would do harm (effect <= 0). A cost that is a share is one of value_at_stake.
    """
    columns = []
    for offer in offers:
        cost = cost_of(offer, redemption_rate)
        gain = F.col(f"effect_{offer.name}") * F.col("value_at_stake") - cost
        may = may_get(offer) & (F.col(f"effect_{offer.name}") > 0)
        columns += [
            F.when(may, cost).alias(f"cost_{offer.name}"),
            F.when(may, gain).alias(f"gain_{offer.name}"),
        ]
    return people.select("*", *columns)


def ranked_by(
    options: DataFrame,
    offers: Sequence[Offer],
    offer_id: str | None,
    priority: Column,
    is_money: bool = False,
) -> DataFrame:
    """The options of a policy that ranks customers by something else than gain: one offer alone.

    Its gain is the priority (above 0), of a budget of money for each unit of it: who comes first is
    not who costs least. The true one stands beside it as worth_<offer>; other offers' are null. No
    offer_id: nobody gets anything.
    """
    columns = []
    for offer in offers:
        gain, cost = F.col(f"gain_{offer.name}"), F.col(f"cost_{offer.name}")
        is_it = F.lit(offer.name == offer_id) & cost.isNotNull()
        # What costs nothing has its turn too.
        weight = F.greatest(cost, F.lit(1e-6)) if is_money else F.lit(1.0)
        columns += [
            F.when(is_it, cost).alias(f"cost_{offer.name}"),
            F.when(is_it, priority * weight).alias(f"gain_{offer.name}"),
            gain.alias(f"worth_{offer.name}"),
        ]
    replaced = {f"{what}_{o.name}" for o in offers for what in ("cost", "gain")}
    return options.select(*[c for c in options.columns if c not in replaced], *columns)


def with_worth_as_gain(chosen: DataFrame, offers: Sequence[Offer]) -> DataFrame:
    """gain_<offer> as it was before ranked_by."""
    gains = {f"gain_{o.name}": F.col(f"worth_{o.name}").alias(f"gain_{o.name}") for o in offers}
    return chosen.select(
        *[gains.get(c, F.col(c)) for c in chosen.columns if not c.startswith("worth_")]
    )


def cost_of(offer: Offer, redemption_rate: float) -> Column:
    """Expected cost to one customer; null where it is a share and value_at_stake is unknown.

    A share is one of the 12-month CLV given that the customer stays, as the gain is: on another
    basis, such as clv_12m which holds the risk already, the long silent look cheap.
    """
    rate = redemption_rate if offer.is_paid_on_redemption else 1.0
    if offer.money is not None:
        return F.lit(float(offer.money) * rate)
    # A customer with a negative value (returns) makes no offer cheaper than free.
    stake = F.when(F.col("value_at_stake") > 0, F.col("value_at_stake")).otherwise(
        F.when(F.col("value_at_stake").isNotNull(), F.lit(0.0))
    )
    return stake * F.lit(float(offer.share or 0.0) * rate)


def may_get(offer: Offer) -> Column:
    """Whether the offer may go to a customer at all; without a condition, only who can be kept."""
    condition = f"({offer.eligible})" if offer.eligible else "lifecycle IN ('active', 'silent')"
    again = F.datediff(F.col("send_on"), F.col(f"last_on_{offer.name}")) < offer.again_after_days
    return (
        F.col("barrier").isNull()
        & F.coalesce(F.expr(condition), F.lit(False))
        & ~F.coalesce(again, F.lit(False))
    )
