"""gold.offer_decisions and gold.offer_plan, made from the choices of the allocation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame, functions as F

from contracts.gold_decisions import OFFER_DECISIONS, OFFER_PLAN
from transforms import why_sentences as why
from transforms.allocation import NONE
from transforms.conform import conform
from transforms.consent import with_consent
from transforms.offers import (
    NO_AMOUNTS,
    Offer,
    cost_of,
    has_no_amounts,
    is_possible,
    may_get,
)
from transforms.send_dates import NEVER, NOW, final_send_on, final_timing

# Optional columns of gold.customer_scores; a missing column counts as unknown.
OPTIONAL = (
    ("value_at_stake", "double"),
    ("clv_12m", "double"),
    ("likely_churn_date", "date"),
    ("main_reason", "string"),
    ("churn_prediction", "int"),
    ("p_alive", "double"),
    ("expected_purchases_30d", "double"),
)


def with_optional(scores: DataFrame) -> DataFrame:
    """Add every missing column of OPTIONAL to the scores, as null."""
    present = set(scores.columns)
    missing = [F.lit(None).cast(kind).alias(name) for name, kind in OPTIONAL if name not in present]
    return scores.select("*", *missing)


def people(
    segments: DataFrame, scores: DataFrame, transactions: DataFrame, *, customers: DataFrame
) -> DataFrame:
    """One row per customer who is active, silent or lost at as_of, with the inputs of the decision.

    All frames hold one as_of and one row per customer. `customers` has is_opted_out; null: the
    consent is unknown. value_at_stake and clv_12m (currency) fall back on revenue_a_year;
    value_basis names the source, and is null where neither is known. A company in which no customer
    has a value other than 0 knows no amounts: both are null, and value_basis is
    expected_purchases. expected_purchases_30d falls back on the orders per 30 days so far.
    """
    known = segments.where(F.col("lifecycle").isin("active", "silent", "lost")).select(
        "as_of", "customer_id", "lifecycle", "segment", "recency_days", "engagement_score"
    )
    optional = [name for name, _ in OPTIONAL]
    scored = with_optional(scores).select("customer_id", "churn_probability", *optional)
    bought = transactions.select(
        "customer_id", "total_orders", "total_revenue", "tenure_days", "revenue_365d"
    )
    rows = known
    for other in (scored, bought):
        rows = rows.join(other, on="customer_id", how="left")
    rows = with_consent(rows, customers)
    a_year = revenue_a_year()
    basis = F.when(F.col("value_at_stake").isNotNull(), "value_at_stake").when(
        a_year.isNotNull(), "revenue_a_year"
    )
    purchases = F.col("total_orders") * 30.0 / days_known()
    replaced = ("value_at_stake", "clv_12m", "expected_purchases_30d")
    rows = rows.select(
        *[c for c in rows.columns if c not in replaced],
        F.coalesce("value_at_stake", a_year).alias("value_at_stake"),
        F.coalesce("clv_12m", a_year).alias("clv_12m"),
        F.coalesce("expected_purchases_30d", purchases).alias("expected_purchases_30d"),
        basis.alias("value_basis"),
    )
    return without_amounts(rows)


def without_amounts(rows: DataFrame) -> DataFrame:
    """The rows; with null values and value_basis expected_purchases if all values are 0 or null."""
    is_worth = F.max(F.when(F.col("value_at_stake") != 0, 1).otherwise(0))
    company = rows.agg(F.coalesce(is_worth, F.lit(0)).alias("has_amounts"))  # one row
    # A plain select after the join, for the DuckDB engine.
    joined = rows.crossJoin(company).select(*rows.columns, "has_amounts")
    has_amounts = F.col("has_amounts") == 1
    new = {c: F.when(has_amounts, F.col(c)) for c in ("value_at_stake", "clv_12m")}
    new["value_basis"] = F.when(has_amounts, F.col("value_basis")).otherwise(NO_AMOUNTS)
    return joined.select(
        *[new[c].alias(c) if c in new else F.col(c).alias(c) for c in rows.columns]
    )


def days_known() -> Column:
    """Days from which a rate is computed: tenure_days from 30 to 365; 365 where it is unknown."""
    return F.coalesce(
        F.when(F.col("tenure_days") < 365, F.greatest(F.col("tenure_days"), F.lit(30))),
        F.lit(365),
    )


def revenue_a_year() -> Column:
    """Revenue of the last 365 days, currency; for a tenure below 365 days scaled up to a year.

    A tenure below 30 days counts as 30, an unknown tenure as 365. Null where the revenue is
    unknown.

    | revenue_365d | tenure_days | revenue_a_year |
    |---|---|---|
    | 73 | 400 | 73 |
    | 73 | 73 | 73 * 365 / 73 = 365 |
    | 12 | 10 | 12 * 365 / 30 = 146 |
    | 73 | null | 73 |
    | null | 400 | null |
    """
    return F.col("revenue_365d") * F.lit(365.0) / days_known()


def offer_decisions(
    chosen: DataFrame,
    offers: Sequence[Offer],
    policy: str,
    *,
    campaign_id: str,
    redemption_rate: float,
) -> DataFrame:
    """One row per customer. `chosen` has `choice`: an offer within the budget, or "none".

    A customer without such an offer who meets the condition of an offer outside the budget gets
    that one. The control group is assigned later, by transforms.hold_out. Money is in currency;
    effect is a reduction of the churn probability, null for an offer outside the budget. timing is
    `now` for a lost customer who gets an offer outside the budget.
    """
    rows = chosen.select("*", _offer(offers).alias("offer_id"))
    rows = rows.select(
        "*", F.when(F.col("offer_id").isNull(), _reason(offers)).alias("no_offer_reason")
    )
    numbers = {
        "effect": _of_offer(offers, "effect", within=True),
        "expected_gain": F.when(~has_no_amounts(), _of_offer(offers, "gain", within=True)),
        "expected_cost": _cost(offers, redemption_rate),
    }
    rows = rows.select("*", *[c.alias(name) for name, c in numbers.items()])
    has_offer = F.col("offer_id").isNotNull()
    basis = F.lit("assumed" if policy == "rules" else "experiment")
    rule = F.col("rule") if "rule" in chosen.columns else F.lit(None).cast("string")
    no_offer = F.col("no_offer_reason")
    is_outside = has_offer & (F.col("timing") == NEVER)
    rows = rows.select(
        *[c for c in rows.columns if c not in ("send_on", "timing", "rule")],
        F.lit(campaign_id).alias("campaign_id"),
        F.lit(False).alias("is_held_out"),
        F.when(is_outside, NOW).otherwise(final_timing(no_offer)).alias("timing"),
        final_send_on(has_offer, no_offer).alias("send_on"),
        F.lit(policy).alias("policy"),
        rule.alias("rule"),
        F.when(F.col("effect").isNotNull(), basis).alias("effect_basis"),
    )
    return conform(rows.select("*", _why().alias("why")), OFFER_DECISIONS)


def plan_arms(decisions: DataFrame) -> DataFrame:
    """One row per offer with an effect and arm of a plan: customers.

    Columns: campaign_id, policy, offer_id, is_treated, customers. Offers outside the budget have no
    effect and are therefore not measured.
    """
    arms = decisions.where(F.col("effect").isNotNull()).groupBy(
        "campaign_id", "offer_id", "is_held_out"
    )
    return arms.agg(F.count("*").alias("customers")).select(
        "campaign_id",
        F.lit("personalised").alias("policy"),
        "offer_id",
        (~F.col("is_held_out")).alias("is_treated"),
        "customers",
    )


def offer_plan(
    decisions: DataFrame,
    budget: float,
    budget_unit: str,
    *,
    shadow_price: float | None,
    power: Sequence[Mapping[str, Any]] = (),
) -> DataFrame:
    """One row per offer that a customer gets: customers, held_out, gain, cost, budget and power.

    `shadow_price` is None where the choice is not by gain. `power` has at most one row per offer:
    offer_id, detectable (minimum detectable effect) and needed (customers).
    """
    sums = (
        decisions.where(F.col("offer_id").isNotNull())
        .groupBy("as_of", "offer_id")
        .agg(
            F.count(F.when(~F.col("is_held_out"), 1)).alias("customers"),
            F.count(F.when(F.col("is_held_out"), 1)).alias("held_out"),
            F.coalesce(F.sum("expected_gain"), F.lit(0.0)).alias("expected_gain"),
            F.coalesce(F.sum("expected_cost"), F.lit(0.0)).alias("expected_cost"),
        )
    )
    detectable, needed = F.lit(None).cast("double"), F.lit(None).cast("bigint")
    for row in power:
        is_offer = F.col("offer_id") == row["offer_id"]
        detectable = F.when(is_offer, F.lit(row["detectable"]).cast("double")).otherwise(detectable)
        needed = F.when(is_offer, F.lit(row["needed"]).cast("bigint")).otherwise(needed)
    rows = sums.select(
        "*",
        detectable.alias("minimum_detectable_effect"),
        needed.alias("customers_needed"),
        F.lit(float(budget)).alias("budget"),
        F.lit(budget_unit).alias("budget_unit"),
        F.lit(shadow_price).cast("double").alias("shadow_price"),
    )
    return conform(rows, OFFER_PLAN)


def _offer(offers: Sequence[Offer]) -> Column:
    outside = F.lit(None).cast("string")
    for offer in [o for o in offers if not o.is_in_budget][::-1]:
        outside = F.when(may_get(offer), offer.name).otherwise(outside)
    return F.when(F.col("choice") != NONE, F.col("choice")).otherwise(outside)


def _of_offer(offers: Sequence[Offer], what: str, within: bool) -> Column:
    value = F.lit(None).cast("double")
    for offer in [o for o in offers if o.is_in_budget or not within]:
        value = F.when(F.col("offer_id") == offer.name, F.col(f"{what}_{offer.name}")).otherwise(
            value
        )
    return value


def _cost(offers: Sequence[Offer], redemption_rate: float) -> Column:
    cost = F.lit(None).cast("double")
    for offer in offers:
        cost = F.when(F.col("offer_id") == offer.name, cost_of(offer, redemption_rate)).otherwise(
            cost
        )
    return cost


def _reason(offers: Sequence[Offer]) -> Column:
    is_option, is_gain = F.lit(False), F.lit(False)
    for offer in [o for o in offers if o.is_in_budget]:
        is_option = is_option | is_possible(offer.name)
        is_gain = is_gain | F.coalesce(F.col(f"gain_{offer.name}") > 0, F.lit(False))
    return (
        F.when(F.col("barrier").isNotNull(), F.col("barrier"))
        .when(~is_option, "not_eligible")
        .when(~is_gain, "no_gain")
        .otherwise("budget")
    )


def _why() -> Column:
    """One sentence with the two quantities that decide, effect and value, and the result."""
    stake = why.whole(F.col("value_at_stake"))
    points = F.round(F.col("effect") * 100, 1).cast("string")
    of_purchases = why.filled(
        why.CHOSEN_BY_PURCHASES,
        offer=F.col("offer_id"),
        points=points,
        basis=F.col("effect_basis"),
        purchases=why.fixed(F.col("expected_purchases_30d"), 3),
    )
    chosen = why.filled(
        why.CHOSEN,
        offer=F.col("offer_id"),
        points=points,
        basis=F.col("effect_basis"),
        stake=stake,
        cost=why.whole(F.col("expected_cost")),
        gain=why.whole(F.col("expected_gain")),
    )
    outside = why.filled(why.OUTSIDE_BUDGET, offer=F.col("offer_id"))
    none = why.filled(why.NO_OFFER, reason=why.reason_of(F.col("no_offer_reason")), stake=stake)
    return (
        F.when(F.col("offer_id").isNull(), none)
        .when(F.col("effect").isNull(), outside)
        .when(has_no_amounts(), of_purchases)
        .otherwise(chosen)
    )
