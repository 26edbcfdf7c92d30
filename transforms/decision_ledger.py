"""gold.decision_ledger, and its sums per campaign, offer and segment."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame, functions as F

from transforms.purchases import is_purchase


def decision_ledger(
    decisions: DataFrame,
    segments: DataFrame,
    transactions: DataFrame,
    *,
    horizon_days: int,
    until: dt.date,
) -> DataFrame:
    """One row per decision with an effect, sent or held out.

    decisions: transforms.standing_decisions.tried_decisions. The outcome counts purchases in
    [send_on, send_on + horizon_days) and is null until the horizon has passed by `until`. A plan of
    the offer policy counts as personalised.
    """
    known_at = F.date_add("send_on", horizon_days).cast("date")
    meant = decisions.where(F.col("send_on").isNotNull()).select(
        "as_of",
        "customer_id",
        "campaign_id",
        "offer_id",
        "is_held_out",
        "send_on",
        F.col("effect").alias("promised_value"),
        known_at.alias("outcome_known_at"),
    )
    named = segments.select("as_of", "customer_id", "segment")
    rows = meant.join(named, on=["as_of", "customer_id"], how="left")
    key = ["campaign_id", "customer_id", "offer_id"]
    bought = transactions.where(is_purchase()).select(
        "customer_id", F.col("purchased_at").cast("date").alias("bought_on")
    )
    near = meant.select(*key, "send_on", "outcome_known_at").join(
        bought, on="customer_id", how="inner"
    )
    is_inside = (F.col("bought_on") >= F.col("send_on")) & (
        F.col("bought_on") < F.col("outcome_known_at")
    )
    stayed = near.where(is_inside).select(*key).distinct().select("*", F.lit(1).alias("bought"))
    # A plain select after the join: DuckDB reads a key inside an expression from the right side.
    rows = rows.join(stayed, on=key, how="left").select(*meant.columns, "segment", "bought")
    is_known = F.col("outcome_known_at") <= F.lit(until).cast("date")
    return rows.select(
        F.md5(F.concat_ws("|", *key)).alias("decision_id"),
        "as_of",
        "customer_id",
        "campaign_id",
        F.lit("personalised").alias("policy"),
        "offer_id",
        F.coalesce("segment", F.lit("unknown")).alias("segment"),
        "promised_value",
        "is_held_out",
        F.when(is_known, F.coalesce("bought", F.lit(0)).cast("double")).alias("outcome_value"),
        F.col("outcome_known_at").cast("timestamp").alias("outcome_known_at"),
    )


def promise_moments(ledger: DataFrame) -> DataFrame:
    """One row per (campaign, offer, segment, arm): customers, y, promised,
    first_on (day of the plan) and known_on (day on which all outcomes are known).

    Campaigns with an outcome that is not known yet are left out, so that no result changes once it
    is there. Segment "all" holds every customer. At most campaigns x offers x 13 x 2
    rows.
    """
    waiting = ledger.where(F.col("outcome_value").isNull()).select("campaign_id").distinct()
    complete = ledger.join(waiting, on="campaign_id", how="left_anti")
    known = complete.select(
        "as_of",
        "outcome_known_at",
        "campaign_id",
        "offer_id",
        "segment",
        "is_held_out",
        "outcome_value",
        "promised_value",
    )
    everyone = known.select(
        *[F.lit("all").alias(c) if c == "segment" else F.col(c) for c in known.columns]
    )
    return (
        known.unionByName(everyone)
        .groupBy("campaign_id", "offer_id", "segment", "is_held_out")
        .agg(
            F.count(F.lit(1)).alias("customers"),
            F.sum("outcome_value").alias("y"),
            F.sum("promised_value").alias("promised"),
            F.min("as_of").alias("first_on"),
            F.max(F.col("outcome_known_at").cast("date")).alias("known_on"),
        )
    )
