"""The list that a person sees first: the customers to contact, with the offer and its day.

It is gold.offer_decisions of the as_of where decide_offers has run, else the chosen customers of
gold.retention_plan under the default strategy.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, functions as F

CENT = 100
# Timings of an offer that is sent in the period of the plan.
SENT_NOW = ("now", "in_period")
LOWEST = -1e300


def known_stakes(scores: DataFrame, columns: Sequence[str]) -> DataFrame:
    """One row: for each of the columns, whether any customer has more than 0 in it.

    `scores`: gold.customer_scores of one as_of.
    """
    return scores.agg(
        *[F.coalesce(F.max(F.col(name) > 0), F.lit(False)).alias(name) for name in columns]
    )


def scored_customers(scores: DataFrame, segments: DataFrame, stake: str | None) -> DataFrame:
    """One row per scored customer of one as_of, with segment, at_stake and at_risk.

    at_stake is the column `stake`: value_at_stake (currency), or expected_purchases_30d in a
    company without amounts. It is 0 where that is null or negative (more returned than bought);
    null if `stake` is None. at_risk = churn_probability * at_stake. For value_at_stake:

    | churn_probability | value_at_stake | at_risk |
    |---|---|---|
    | 0.5 | 80 | 0.5 * 80 = 40 |
    | 0.5 | -80 | 0 |
    | 0.5 | null | 0 |
    """
    placed = segments.select("customer_id", "lifecycle", "segment", "recency_days")
    zero = F.lit(0.0)
    at_stake = F.greatest(F.coalesce(F.col(stake), zero), zero) if stake else F.lit(None)
    known = scores.select(
        "customer_id",
        "churn_probability",
        "risk_level",
        "recommended_actions",
        "score_basis",
        at_stake.cast("double").alias("at_stake"),
    )
    rows = known.join(placed, on="customer_id", how="inner")
    return rows.select("*", (F.col("churn_probability") * F.col("at_stake")).alias("at_risk"))


def decided(decisions: DataFrame) -> DataFrame:
    """One row per customer who is sent an offer by gold.offer_decisions of one as_of.

    Columns: customer_id, priority (higher comes first), offer_id, send_on, why. The control group
    is sent nothing and is left out, like customers whose offer is due after this plan.
    """
    sent = decisions.where("offer_id IS NOT NULL AND NOT is_held_out")
    if "timing" in decisions.columns:
        sent = sent.where(F.col("timing").isin(*SENT_NOW))
    priority = F.coalesce(F.col("expected_gain"), F.lit(LOWEST))
    return sent.select("customer_id", priority.alias("priority"), "offer_id", "send_on", "why")


def planned(plan: DataFrame, strategy: str) -> DataFrame:
    """One row per customer that gold.retention_plan of one as_of chooses. Columns as `decided`."""
    chosen = plan.where(F.col("is_chosen") & (F.col("strategy") == strategy))
    priority = (-F.col("rank")).cast("double")
    return chosen.select("customer_id", priority.alias("priority"), "offer_id", "send_on", "why")


def by_risk(customers: DataFrame) -> DataFrame:
    """One row per scored customer, the highest at_risk first, for an as_of without a plan."""
    nothing = F.lit(None)
    return customers.select(
        "customer_id",
        F.coalesce(F.col("at_risk"), F.lit(LOWEST)).alias("priority"),
        nothing.cast("string").alias("offer_id"),
        nothing.cast("date").alias("send_on"),
        nothing.cast("string").alias("why"),
    )


def list_totals(wanted: DataFrame, customers: DataFrame) -> DataFrame:
    """One row: customers of the list, and their at_risk; null without amounts and purchases."""
    rows = wanted.join(customers, on="customer_id", how="inner")
    rows = rows.select(F.round(F.col("at_risk") * CENT).cast("bigint").alias("cents"))
    return rows.agg(
        F.count("*").alias("customers"), (F.sum("cents").cast("double") / CENT).alias("at_risk")
    )


def first_to_contact(wanted: DataFrame, customers: DataFrame, most: int) -> DataFrame:
    """The `most` first customers of a list, with their scores.

    Ties in priority: the higher at_risk, then the higher churn_probability, then the customer_id.
    """
    rows = wanted.join(customers, on="customer_id", how="inner")
    rows = rows.select(*rows.columns, F.coalesce(F.col("at_risk"), F.lit(0.0)).alias("tie"))
    order = (F.col("priority").desc(), F.col("tie").desc(), F.col("churn_probability").desc())
    return rows.orderBy(*order, "customer_id").limit(most)
