"""Percentiles of the churn risk: among all scored customers of a date, and within the segment."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window, functions as F

MILLION = 1_000_000


def with_risk_percentiles(scored: DataFrame, segments: DataFrame) -> DataFrame:
    """One row per scored customer: adds risk_percentile and risk_percentile_in_segment, 1 to 100.

    A percentile is 1 + the whole per cents of customers with a lower churn_probability. Equal
    probabilities (to six decimals) share a percentile. `scored` holds one as_of; `segments` has the
    segment of each of its customers. All in one segment:

    | churn_probability | risk_percentile |
    |---|---|
    | 0.1 | 1 + 100 * 0 / 4 = 1 |
    | 0.2 | 1 + 100 * 1 / 4 = 26 |
    | 0.2 | 1 + 100 * 1 / 4 = 26 |
    | 0.7 | 1 + 100 * 3 / 4 = 76 |
    """
    placed = scored.join(
        segments.select("customer_id", "segment"), on="customer_id", how="left"
    ).select(
        *scored.columns,
        F.coalesce("segment", F.lit("")).alias("segment_"),
        F.round(F.col("churn_probability") * MILLION).cast("bigint").alias("millionths_"),
    )
    # Counts of distinct values: at most a million and one per segment, whatever the customers.
    counts = placed.groupBy("as_of", "segment_", "millionths_").agg(F.count("*").alias("n"))
    overall = counts.groupBy("as_of", "millionths_").agg(F.sum("n").alias("n"))
    overall = overall.select("as_of", "millionths_", _percentile("as_of").alias("risk_percentile"))
    within = counts.select(
        "as_of",
        "segment_",
        "millionths_",
        _percentile("as_of", "segment_").alias("risk_percentile_in_segment"),
    )
    rows = placed.join(overall, on=["as_of", "millionths_"], how="left")
    rows = rows.join(within, on=["as_of", "segment_", "millionths_"], how="left")
    return rows.select(*scored.columns, "risk_percentile", "risk_percentile_in_segment")


def _percentile(*group: str) -> Column:
    """1 + the whole per cents of customers of the group with a lower value."""
    ordered = Window.partitionBy(*group).orderBy("millionths_")
    lower = F.sum("n").over(ordered.rowsBetween(Window.unboundedPreceding, -1))
    of_all = F.sum("n").over(
        ordered.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    )
    return (F.floor(F.lit(100) * F.coalesce(lower, F.lit(0)) / of_all) + 1).cast("int")
