"""Folds, samples and counts of training rows that churn pipelines collect."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import DataFrame, functions as F

from transforms.slices import at_dates

# Steps in which a share of the customers is chosen.
MILLION = 1_000_000


def with_fold(rows: DataFrame, folds: int) -> DataFrame:
    """Add `fold` (0 to folds - 1) from a hash of customer_id: a customer is in one fold only.

    Spark only: DuckDB has no xxhash64.
    """
    fold = F.pmod(F.xxhash64("customer_id"), F.lit(folds)).cast("int")
    return rows.select("*", fold.alias("fold"))


def keep_share(rows: DataFrame, share: float) -> DataFrame:
    """The rows of about this share of the customers (0 to 1), by a hash of customer_id.

    A customer of a share is in each larger share too. Spark only: DuckDB has no xxhash64.
    """
    return rows.where(F.pmod(F.xxhash64("customer_id"), F.lit(MILLION)) < F.lit(share * MILLION))


def hash_sample(rows: DataFrame, most: int) -> DataFrame:
    """At most `most` rows, in the order of a hash of (customer_id, as_of).

    The same rows on every run. Spark only: DuckDB has no xxhash64.
    """
    return rows.orderBy(F.xxhash64("customer_id", "as_of"), "customer_id").limit(most)


def cold_start_counts(rows: DataFrame, days: int) -> DataFrame:
    """One row with the churn rates that a cold-start base rate is chosen from.

    base_rate: churn rate of all rows. cold_rate, cold_rows: rate and count of the rows with
    tenure_days below `days`; null tenure_days counts as 0. cold_rate is null without such rows.
    """
    is_cold = F.coalesce(F.col("tenure_days"), F.lit(0)) < days
    return rows.agg(
        F.avg("churned").alias("base_rate"),
        F.avg(F.when(is_cold, F.col("churned"))).alias("cold_rate"),
        F.count(F.when(is_cold, F.lit(1))).alias("cold_rows"),
    )


def class_counts(rows: DataFrame) -> DataFrame:
    """One row per split: `rows` and `churned`."""
    return rows.groupBy("split").agg(
        F.count(F.lit(1)).alias("rows"), F.sum("churned").alias("churned")
    )


def keep_passed(labels: DataFrame, until: dt.date) -> DataFrame:
    """The labels whose horizon ends by `until`: as_of + lead_days + horizon_days <= until."""
    ends_on = F.date_add(F.col("as_of"), F.col("horizon_days") + F.col("lead_days"))
    return labels.where(ends_on <= F.lit(until).cast("date"))


def keep_labels(
    labels: DataFrame, as_of_dates: Sequence[dt.date], horizons_days: Sequence[int]
) -> DataFrame:
    """The labels of the given as_of dates and horizons."""
    return at_dates(labels, as_of_dates).where(F.col("horizon_days").isin(*horizons_days))
