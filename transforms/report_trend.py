"""The development over all scored dates, and the meanings of leaving, for the report."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame, functions as F

from transforms.exact_sums import BILLION, CENT, in_parts, sum_of_parts

TO_THE_MINUTE = "yyyy-MM-dd HH:mm"


def score_trend(scores: DataFrame, stake: str | None) -> DataFrame:
    """One row per as_of: scored, probability (expected leavers), at_risk.

    `scores`: gold.customer_scores of all dates. at_risk: churn_probability x the column `stake`,
    negative amounts as 0; null if `stake` is None or unknown on that date.
    """
    at_stake = F.greatest(F.col(stake), F.lit(0.0)) if stake else F.lit(None).cast("double")
    rows = scores.select(
        "as_of",
        in_parts(F.col("churn_probability"), BILLION, "probability"),
        in_parts(F.col("churn_probability") * at_stake, CENT, "at_risk"),
    )
    return rows.groupBy("as_of").agg(
        F.count("*").alias("scored"),
        sum_of_parts("probability", BILLION),
        sum_of_parts("at_risk", CENT),
    )


def lifecycle_trend(segments: DataFrame) -> DataFrame:
    """One row per as_of: known customers, and how many of them are active, silent and lost."""
    counts = [
        F.sum((F.col("lifecycle") == name).cast("int")).alias(name)
        for name in ("active", "silent", "lost")
    ]
    return segments.groupBy("as_of").agg(F.count("*").alias("known"), *counts)


def observed_churn(labels: DataFrame, transactions: DataFrame, silent_days: int) -> DataFrame:
    """One row per as_of: customers, churned. Only customers who were active or silent count.

    `labels`: of one horizon, whose window has passed. `transactions`: the features with
    recency_days, at most `silent_days` for a customer who is not lost.
    """
    recency = transactions.where(F.col("recency_days") <= silent_days)
    recency = recency.select("customer_id", "as_of")
    rows = labels.select("customer_id", "as_of", "churned")
    kept = rows.join(recency, on=["customer_id", "as_of"], how="left_semi")
    return kept.groupBy("as_of").agg(
        F.count("*").alias("customers"), F.sum("churned").alias("churned")
    )


def gone_for_good(lifetime: DataFrame, scores: DataFrame) -> DataFrame:
    """One row: customers with a survival model, and how many are expected to be gone for good.

    `lifetime`: gold.customer_lifetime, `scores`: gold.customer_scores, of one as_of. gone_30d and
    gone_90d are sums of p_leaves_30d and p_leaves_90d over the scored customers; null: no model.
    """
    known = lifetime.where("p_leaves_30d IS NOT NULL")
    rows = known.join(scores.select("customer_id"), on="customer_id", how="left_semi")
    rows = rows.select(
        in_parts(F.col("p_leaves_30d"), BILLION, "gone_30d"),
        in_parts(F.col("p_leaves_90d"), BILLION, "gone_90d"),
    )
    return rows.agg(
        F.count("*").alias("customers"),
        sum_of_parts("gone_30d", BILLION),
        sum_of_parts("gone_90d", BILLION),
    )


def value_by_segment(scores: DataFrame, segments: DataFrame, due_before: dt.date) -> DataFrame:
    """One row per segment of the scored customers: what they are worth, and when they buy next.

    customers; valued (clv_12m is known) with the sum of clv_12m (currency); due: the next purchase
    is expected before `due_before`; overdue: the silence is longer than 90 % of the customer's own
    gaps. Sums are null where no value is known.
    """
    placed = segments.select("customer_id", "segment")
    rows = scores.join(placed, on="customer_id", how="inner").select(
        "segment",
        F.col("clv_12m").isNotNull().cast("int").alias("valued"),
        in_parts(F.col("clv_12m"), CENT, "clv_12m"),
        (F.col("next_purchase_on") < F.lit(due_before).cast("date")).cast("int").alias("due"),
        (F.col("overdue_percentile") >= 90).cast("int").alias("overdue"),
    )
    return rows.groupBy("segment").agg(
        F.count("*").alias("customers"),
        F.sum("valued").alias("valued"),
        sum_of_parts("clv_12m", CENT),
        F.sum("due").alias("due"),
        F.sum("overdue").alias("overdue"),
    )


def reason_figures(scores: DataFrame) -> DataFrame:
    """One row per (main_reason, reason_basis) of the scored customers: customers, probability."""
    rows = scores.select(
        "main_reason",
        "reason_basis",
        in_parts(F.col("churn_probability"), BILLION, "probability"),
    )
    return rows.groupBy("main_reason", "reason_basis").agg(
        F.count("*").alias("customers"), sum_of_parts("probability", BILLION)
    )


def prediction_outcomes(scores: DataFrame, labels: DataFrame) -> DataFrame:
    """One row per (churn_prediction, churned) of one past as_of: customers."""
    outcome = labels.select("customer_id", "churned")
    rows = scores.select("customer_id", "churn_prediction")
    rows = rows.join(outcome, on="customer_id", how="inner")
    return rows.groupBy("churn_prediction", "churned").agg(F.count("*").alias("customers"))


def last_times(transactions: DataFrame, ingest_log: DataFrame, as_of: dt.date) -> DataFrame:
    """One row: last_purchase_at before as_of, and loaded_at, when a file last arrived (UTC).

    Times are texts, to the minute: a collected timestamp would be in the driver's time zone.
    `transactions`: silver.transactions; `ingest_log`: bronze.ingest_log. Null: none.
    """
    past = transactions.where(F.col("purchased_at") < F.lit(as_of).cast("timestamp"))
    purchases = past.agg(F.max("purchased_at").alias("purchased"))
    times = purchases.crossJoin(ingest_log.agg(F.max("known_at").alias("loaded")))
    return times.select(
        F.date_format("purchased", TO_THE_MINUTE).alias("last_purchase_at"),
        F.date_format("loaded", TO_THE_MINUTE).alias("loaded_at"),
    )
