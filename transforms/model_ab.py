"""Outcomes of the customers that either model scored, summed for the analysis of the A/B test."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame, functions as F

from transforms.training_rows import labelled_rows

METRICS = ("brier", "log_loss", "retained", "retained_revenue")
# Clip probabilities: log(0) for one customer would dominate the log loss.
_LEAST = 1e-6


def scored_outcomes(
    arms: DataFrame,
    scores: DataFrame,
    labels: DataFrame,
    *,
    transactions: DataFrame,
    horizon_days: int,
    definition: str,
    lead_days: int,
) -> DataFrame:
    """One row per (experiment_id, customer_id, as_of) of an arm whose horizon has passed: METRICS.

    `arms`: gold.model_arms. A customer belongs to the arm whose model version scored the customer.
    A horizon is [as_of + lead, as_of + lead + horizon_days); its label is that of features.labels
    with the same horizon, definition and lead. retained_revenue is in currency, 0 without a
    transaction.
    """
    named = arms.select("as_of", "model_version", "experiment_id", "arm")
    rows = scores.select("as_of", "customer_id", "model_version", "churn_probability")
    rows = rows.join(named, on=["as_of", "model_version"], how="inner")
    rows = labelled_rows(rows, labels, horizon_days, definition=definition, lead_days=lead_days)
    key = ("experiment_id", "arm", "as_of", "customer_id")
    rows = rows.select(*key, "churn_probability", "churned")
    revenue = _revenue(rows, transactions, horizon_days, lead_days)
    rows = rows.join(revenue, on=["as_of", "customer_id"], how="left")
    # A plain select after the join, for DuckDB: see transforms.labels.
    rows = rows.select(*key, "churn_probability", "churned", "revenue")
    p, left = F.col("churn_probability"), F.col("churned").cast("double")
    bounded = F.least(F.greatest(p, F.lit(_LEAST)), F.lit(1 - _LEAST))
    return rows.select(
        *key,
        ((p - left) * (p - left)).alias("brier"),
        (-F.log(F.when(left == 1, bounded).otherwise(1 - bounded))).alias("log_loss"),
        (1 - left).alias("retained"),
        F.coalesce(F.col("revenue"), F.lit(0.0)).alias("retained_revenue"),
    )


def by_customer(rows: DataFrame, segments: DataFrame) -> DataFrame:
    """One row per (experiment_id, customer_id): arm, mean of each metric over the dates, segment.

    segment is that of the first as_of, before either model could change it; "unknown" where there
    is none. Several dates of a customer are not independent, so only their mean counts.
    """
    means = [F.avg(name).alias(name) for name in METRICS]
    each = rows.groupBy("experiment_id", "arm", "customer_id").agg(
        F.min("as_of").alias("as_of"), *means
    )
    known = segments.select("as_of", "customer_id", "segment")
    segmented = each.join(known, on=["as_of", "customer_id"], how="left")
    return segmented.select(
        *("experiment_id", "arm", "customer_id"),
        F.coalesce(F.col("segment"), F.lit("unknown")).alias("segment"),
        *METRICS,
    )


def arm_moments(customers: DataFrame) -> DataFrame:
    """One row per (experiment_id, segment, arm): customers, and sums y_, yy_ per metric.

    y_ is the sum, yy_ the sum of squares. At most experiments x 13 x 2 rows.
    """
    sums = [F.count("*").alias("customers")]
    for name in METRICS:
        sums += [
            F.sum(name).alias(f"y_{name}"),
            F.sum(F.col(name) * F.col(name)).alias(f"yy_{name}"),
        ]
    return customers.groupBy("experiment_id", "segment", "arm").agg(*sums)


def matured(arms: DataFrame, horizon_days: int, lead_days: int, *, until: dt.date) -> DataFrame:
    """One row per arm and as_of whose horizon has passed by `until`."""
    ends = F.date_add(F.col("as_of"), horizon_days + lead_days)
    return arms.where(ends <= F.lit(until).cast("date"))


def _revenue(
    rows: DataFrame, transactions: DataFrame, horizon_days: int, lead_days: int
) -> DataFrame:
    """One row per (as_of, customer_id) with a transaction in the horizon: revenue, currency."""
    bought = transactions.select(
        "customer_id",
        F.col("purchased_at").cast("date").alias("bought_on"),
        F.col("amount").cast("double").alias("amount"),
    )
    near = rows.select("as_of", "customer_id").join(bought, on="customer_id", how="inner")
    near = near.select("*", F.datediff(F.col("bought_on"), F.col("as_of")).alias("day"))
    within = (F.col("day") >= lead_days) & (F.col("day") < lead_days + horizon_days)
    return near.where(within).groupBy("as_of", "customer_id").agg(F.sum("amount").alias("revenue"))
