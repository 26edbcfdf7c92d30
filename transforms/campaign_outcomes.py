"""Customer outcomes after a campaign, summed for the analysis of the experiment."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame, functions as F

from transforms.purchases import is_purchase
from transforms.standing_decisions import tried_decisions

METRICS = ("conversion", "retained_revenue")


def measured_contacts(contacts: DataFrame, decisions: DataFrame, outbox: DataFrame) -> DataFrame:
    """One row per customer and campaign with a random control group.

    Columns: campaign_id, customer_id, offer_id, is_treated, contacted_on, policy.

    `contacts`: silver.campaign_contacts. Only randomised ones are used (policy mass; the control
    group has no offer). `decisions`: gold.offer_decisions. Only tried_decisions are used (policy
    personalised). `outbox`: gold.outbox. It gives the contacts that a rule chose for an offer
    (campaign trigger-<rule>-<period>, personalised), whether or not they were delivered, because
    delivery is unknown for the control group. Its messages also tell which decisions were tried.
    """
    random = contacts.where(F.coalesce("is_randomised", F.lit(False))).select(
        "campaign_id",
        "customer_id",
        "offer_id",
        F.coalesce("is_treated", F.lit(True)).alias("is_treated"),
        F.col("contacted_at").cast("date").alias("contacted_on"),
        F.lit("mass").alias("policy"),
    )
    decided = tried_decisions(decisions, outbox).select(
        "campaign_id",
        "customer_id",
        "offer_id",
        (~F.col("is_held_out")).alias("is_treated"),
        F.col("send_on").alias("contacted_on"),
        F.lit("personalised").alias("policy"),
    )
    is_of_rule = F.col("campaign_id").isNull()
    triggered = outbox.where(is_of_rule & F.col("offer_id").isNotNull()).select(
        F.concat_ws("-", F.lit("trigger"), F.col("rule"), F.col("period_on").cast("string")).alias(
            "campaign_id"
        ),
        "customer_id",
        "offer_id",
        (~F.col("is_held_out")).alias("is_treated"),
        F.col("triggered_on").alias("contacted_on"),
        F.lit("personalised").alias("policy"),
    )
    return random.unionByName(decided).unionByName(triggered)


def arms_under_way(contacts: DataFrame, horizon_days: int, observed_until: dt.date) -> DataFrame:
    """One row per (campaign_id, policy, offer_id, is_treated) with an open horizon: customers.

    At most campaigns x offers x 2 rows.
    """
    ends = F.date_add("contacted_on", horizon_days)
    waiting = contacts.where(ends > F.lit(observed_until).cast("date"))
    return waiting.groupBy("campaign_id", "policy", "offer_id", "is_treated").agg(
        F.count("*").alias("customers")
    )


def outcomes(
    contacts: DataFrame,
    transactions: DataFrame,
    segments: DataFrame,
    *,
    horizon_days: int,
    observed_until: dt.date,
) -> DataFrame:
    """One row per contact whose horizon has passed: outcomes, revenue before, month and segment.

    conversion is 0 or 1. retained_revenue is the revenue in [contacted_on, contacted_on +
    horizon_days), revenue_before that of as many days before. segment is the last one known by the
    contact, else "unknown". No transactions count as 0.
    """
    passed = contacts.where(
        F.date_add("contacted_on", horizon_days) <= F.lit(observed_until).cast("date")
    )
    bought = transactions.select(
        "customer_id",
        F.col("purchased_at").cast("date").alias("bought_on"),
        F.col("amount").cast("double").alias("amount"),
        F.when(is_purchase(), 1).otherwise(0).alias("is_purchase"),
    )
    near = passed.select("campaign_id", "customer_id", "contacted_on").join(
        bought, on="customer_id", how="inner"
    )
    near = near.select("*", F.datediff(F.col("bought_on"), F.col("contacted_on")).alias("day"))
    is_after = (F.col("day") >= 0) & (F.col("day") < horizon_days)
    is_before = (F.col("day") < 0) & (F.col("day") >= -horizon_days)
    sums = near.groupBy("campaign_id", "customer_id").agg(
        F.max(F.when(is_after, F.col("is_purchase"))).alias("conversion"),
        F.sum(F.when(is_after, F.col("amount"))).alias("retained_revenue"),
        F.sum(F.when(is_before, F.col("amount"))).alias("revenue_before"),
    )
    known = (
        passed.select("campaign_id", "customer_id", "contacted_on")
        .join(segments.select("customer_id", "as_of", "segment"), on="customer_id", how="inner")
        .where(F.col("as_of") <= F.col("contacted_on"))
        .groupBy("campaign_id", "customer_id")
        .agg(F.max_by("segment", "as_of").alias("segment"))
    )
    rows = passed
    for other in (sums, known):
        rows = rows.join(other, on=["campaign_id", "customer_id"], how="left")
    zero = F.lit(0.0)
    return rows.select(
        "campaign_id",
        "customer_id",
        "policy",
        "offer_id",
        "is_treated",
        F.date_format("contacted_on", "yyyy-MM").alias("month"),
        F.coalesce("segment", F.lit("unknown")).alias("segment"),
        F.coalesce(F.col("conversion").cast("double"), zero).alias("conversion"),
        F.coalesce("retained_revenue", zero).alias("retained_revenue"),
        F.coalesce("revenue_before", zero).alias("revenue_before"),
    )


def moments(rows: DataFrame) -> DataFrame:
    """One row per (campaign, policy, month, segment, offer, arm): customers, and sums per metric.

    Segment "all" holds every customer. At most campaigns x offers x 13 x 2 rows.
    """
    all_customers = rows.select(
        *[c for c in rows.columns if c != "segment"], F.lit("all").alias("segment")
    )
    both = rows.select(*all_customers.columns).unionByName(all_customers)
    sums = [F.count("*").alias("customers"), F.sum("revenue_before").alias("x")]
    sums.append(F.sum(F.col("revenue_before") * F.col("revenue_before")).alias("xx"))
    for metric in METRICS:
        y = F.col(metric)
        sums += [
            F.sum(y).alias(f"y_{metric}"),
            F.sum(y * y).alias(f"yy_{metric}"),
            F.sum(y * F.col("revenue_before")).alias(f"xy_{metric}"),
        ]
    by = ["campaign_id", "policy", "month", "segment", "offer_id", "is_treated"]
    return both.groupBy(*by).agg(*sums)
