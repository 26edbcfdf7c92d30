"""What came of the customers whom either model scored, as the sums that an A/B is judged by."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame, functions as F

from transforms.training_rows import labelled_rows

METRICS = ("brier", "log_loss", "retained", "retained_revenue")
# A logarithm of nothing would be one customer's verdict over the whole arm.
_LEAST = 1e-6


def scored_outcomes(
    arms: DataFrame,
    scores: DataFrame,
    labels: DataFrame,
    transactions: DataFrame,
    horizon_days: int,
    definition: str,
    lead_days: int,
) -> DataFrame:
    """One row a (experiment_id, customer_id, as_of) of an arm whose horizon has passed: METRICS.

    `arms`: gold.model_arms. A customer is of the arm whose version scored them. A horizon is
    [as_of + lead, as_of + lead + horizon_days); its label is that of features.labels with the same
    horizon, definition and lead.
    """
    named = arms.select("as_of", "model_version", "experiment_id", "arm")
    rows = scores.select("as_of", "customer_id", "model_version", "churn_probability")
    rows = rows.join(named, on=["as_of", "model_version"], how="inner")
    rows = labelled_rows(rows, labels, horizon_days, definition, lead_days)
    key = ("experiment_id", "arm", "as_of", "customer_id")
    rows = rows.select(*key, "churn_probability", "churned")
    revenue = _revenue(rows, transactions, horizon_days, lead_days)
    rows = rows.join(revenue, on=["as_of", "customer_id"], how="left")
    # A plain select after the join, for the one-box engine.
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
    """One row a (experiment_id, customer_id): arm, the mean of each metric over the as_of dates,
    and the segment at the first of them, before either model could change it.

    Two dates of one customer are no two customers: their mean counts once.
    """
    means = [F.avg(name).alias(name) for name in METRICS]
    each = rows.groupBy("experiment_id", "arm", "customer_id").agg(
        F.min("as_of").alias("as_of"), *means
    )
    known = segments.select("as_of", "customer_id", "segment")
    found = each.join(known, on=["as_of", "customer_id"], how="left")
    return found.select(
        *("experiment_id", "arm", "customer_id"),
        F.coalesce(F.col("segment"), F.lit("unknown")).alias("segment"),
        *METRICS,
    )


def arm_moments(customers: DataFrame) -> DataFrame:
    """One row a (experiment_id, segment, arm): customers, and y_ and yy_ of each metric.

    At most experiments x 13 x 2 rows.
    """
    sums = [F.count("*").alias("customers")]
    for name in METRICS:
        sums += [
            F.sum(name).alias(f"y_{name}"),
            F.sum(F.col(name) * F.col(name)).alias(f"yy_{name}"),
        ]
    return customers.groupBy("experiment_id", "segment", "arm").agg(*sums)


def matured(arms: DataFrame, horizon_days: int, lead_days: int, until: dt.date) -> DataFrame:
    """The arms of dates whose horizon has passed by `until`."""
    ends = F.date_add(F.col("as_of"), horizon_days + lead_days)
    return arms.where(ends <= F.lit(until).cast("date"))


def _revenue(
    rows: DataFrame, transactions: DataFrame, horizon_days: int, lead_days: int
) -> DataFrame:
    """One row a (as_of, customer_id) with a line within the horizon: revenue."""
    bought = transactions.select(
        "customer_id",
        F.col("purchased_at").cast("date").alias("bought_on"),
        F.col("amount").cast("double").alias("amount"),
    )
    near = rows.select("as_of", "customer_id").join(bought, on="customer_id", how="inner")
    near = near.select("*", F.datediff(F.col("bought_on"), F.col("as_of")).alias("day"))
    within = (F.col("day") >= lead_days) & (F.col("day") < lead_days + horizon_days)
    return near.where(within).groupBy("as_of", "customer_id").agg(F.sum("amount").alias("revenue"))
