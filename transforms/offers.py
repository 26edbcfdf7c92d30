"""The offers that are possible for each customer, with their expected gain and cost.

Frames of options are wide: one row per customer, and per offer the columns effect_<offer>,
gain_<offer>, cost_<offer>. A null means that the offer is not possible for the customer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, functions as F

# value_basis of a company without amounts: expected purchases take the place of the value.
NO_AMOUNTS = "expected_purchases"
RULES = ("recency_and_order_value", "support_tickets", "feature_usage", "many_orders", "default")


@dataclass(frozen=True)
class Offer:
    """The properties of an offer that a decision needs; costs as in conf/offers.yaml."""

    name: str
    share: float | None
    money: float | None
    is_paid_on_redemption: bool
    again_after_days: int
    most_customers: int | None
    eligible: str | None
    is_in_budget: bool


def factor_flags(risk_factors: DataFrame, factors: Mapping[str, Sequence[str]]) -> DataFrame:
    """One row per customer with factors: is_<factor>_up, is_<factor>_down per entry of `factors`.

    Up: one of its features is among the top five with impact > 0. Down: one is with impact < 0.
    """
    flags = []
    for name, features in factors.items():
        among = F.col("feature").isin(*features)
        for way, sign in (("up", F.col("impact") > 0), ("down", F.col("impact") < 0)):
            hit = F.max(F.when(among & sign, 1).otherwise(0)) == 1
            flags.append(hit.alias(f"is_{name}_{way}"))
    return risk_factors.groupBy("customer_id").agg(*flags)


def with_rule(people: DataFrame, high_risk_from: float, many_orders: int) -> DataFrame:
    """One row per customer: adds `rule`, the first of RULES that applies, and `rule_offer`.

    A rule with a missing factor does not apply. With high_risk_from 0.6 and many_orders 20:

    | factors | total_orders | churn_probability | rule | rule_offer |
    |---|---|---|---|---|
    | recency up, order_value down | 30 | 0.59 | recency_and_order_value | discount_10 |
    | recency up, order_value down | 30 | 0.60 | recency_and_order_value | discount_20 |
    | support_tickets up | 30 | 0.9 | support_tickets | personal_manager |
    | null | 21 | 0.9 | many_orders | loyalty_bonus |
    | null | 20 | 0.9 | default | discount_10 |
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
    """Add effect_<offer>: a share of the churn probability for the rule's offer, else null."""
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


def last_contacts(contacts: DataFrame, offers: Sequence[Offer]) -> DataFrame:
    """One row per contacted customer: last_on (any offer), last_on_<offer> (null: never sent).

    `contacts` has customer_id, offer_id and contacted_on of the contacts that were made.
    """
    each = [
        F.max(F.when(F.col("offer_id") == o.name, F.col("contacted_on"))).alias(f"last_on_{o.name}")
        for o in offers
    ]
    return contacts.groupBy("customer_id").agg(F.max("contacted_on").alias("last_on"), *each)


def with_costs_and_gains(
    people: DataFrame, offers: Sequence[Offer], redemption_rate: float
) -> DataFrame:
    """Add cost_<offer> and gain_<offer> = effect x value_at_stake - cost, in currency.

    Both are null for customers with a barrier, where the offer's condition does not hold or the
    offer was sent too recently, and where the effect is not above 0. A cost given as a share is a
    share of value_at_stake. In a company without amounts (value_basis expected_purchases) the gain
    is effect x expected_purchases_30d, in purchases.
    """
    columns = []
    for offer in offers:
        cost, effect = cost_of(offer, redemption_rate), F.col(f"effect_{offer.name}")
        gain = F.when(has_no_amounts(), effect * F.col("expected_purchases_30d")).otherwise(
            effect * F.col("value_at_stake") - cost
        )
        may = may_get(offer) & (effect > 0)
        columns += [
            F.when(may, cost).alias(f"cost_{offer.name}"),
            F.when(may, gain).alias(f"gain_{offer.name}"),
        ]
    return people.select("*", *columns)


def has_no_amounts() -> Column:
    """True for the customers of a company without amounts, see transforms.decisions.people."""
    return F.coalesce(F.col("value_basis") == NO_AMOUNTS, F.lit(False))


def is_possible(offer: str) -> Column:
    """True if the customer may get the offer: its cost or its gain is known."""
    return F.col(f"cost_{offer}").isNotNull() | F.col(f"gain_{offer}").isNotNull()


def ranked_by(
    options: DataFrame,
    offers: Sequence[Offer],
    offer_id: str | None,
    *,
    priority: Column,
    is_money: bool = False,
) -> DataFrame:
    """One row per customer: the options of a policy that ranks customers for one offer.

    The ranking is by a priority other than gain. The gain of that offer becomes the priority (above
    0), multiplied by the cost where the budget is money, so that the ranking does not prefer cheap
    customers. The true gain is kept as worth_<offer>. Costs and gains of other offers become null.
    Without an offer_id nobody gets an offer.
    """
    columns = []
    for offer in offers:
        gain, cost = F.col(f"gain_{offer.name}"), F.col(f"cost_{offer.name}")
        is_ranked = F.lit(offer.name == offer_id) & is_possible(offer.name)
        # A minimum weight keeps options that cost nothing in the ranking.
        weight = F.greatest(cost, F.lit(1e-6)) if is_money else F.lit(1.0)
        columns += [
            F.when(is_ranked, cost).alias(f"cost_{offer.name}"),
            F.when(is_ranked, priority * weight).alias(f"gain_{offer.name}"),
            gain.alias(f"worth_{offer.name}"),
        ]
    replaced = {f"{what}_{o.name}" for o in offers for what in ("cost", "gain")}
    return options.select(*[c for c in options.columns if c not in replaced], *columns)


def with_worth_as_gain(chosen: DataFrame, offers: Sequence[Offer]) -> DataFrame:
    """Restore gain_<offer> to its value before ranked_by."""
    gains = {f"gain_{o.name}": F.col(f"worth_{o.name}").alias(f"gain_{o.name}") for o in offers}
    return chosen.select(
        *[gains.get(c, F.col(c)) for c in chosen.columns if not c.startswith("worth_")]
    )


def cost_of(offer: Offer, redemption_rate: float) -> Column:
    """Expected cost per customer, currency; null where it is a share and value_at_stake is unknown.

    A share refers to the 12-month CLV given that the customer stays, as the gain does. clv_12m
    already includes the churn risk, so a share of it would make long-silent customers look cheap.
    For an offer that costs a share of 0.1 when redeemed, with a redemption rate of 0.5:

    | value_at_stake | cost_of |
    |---|---|
    | 200 | 200 * 0.1 * 0.5 = 10 |
    | -80 | 0 |
    | null | null |
    """
    rate = redemption_rate if offer.is_paid_on_redemption else 1.0
    if offer.money is not None:
        return F.lit(float(offer.money) * rate)
    # A negative value (returns) must not make the cost negative.
    stake = F.when(F.col("value_at_stake") > 0, F.col("value_at_stake")).otherwise(
        F.when(F.col("value_at_stake").isNotNull(), F.lit(0.0))
    )
    return stake * F.lit(float(offer.share or 0.0) * rate)


def may_get(offer: Offer) -> Column:
    """True if the offer may be sent to the customer.

    Without a condition, only active and silent customers qualify.
    """
    condition = f"({offer.eligible})" if offer.eligible else "lifecycle IN ('active', 'silent')"
    again = F.datediff(F.col("send_on"), F.col(f"last_on_{offer.name}")) < offer.again_after_days
    return (
        F.col("barrier").isNull()
        & F.coalesce(F.expr(condition), F.lit(False))
        & ~F.coalesce(again, F.lit(False))
    )
