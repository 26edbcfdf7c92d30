"""gold.customer_segments and segment_migration: lifecycle, RFM scores, and the twelve segments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from pyspark.sql import DataFrame, Window, functions as F

from contracts.gold import CUSTOMER_SEGMENTS, SEGMENT_MIGRATION
from transforms.conform import conform
from udfs.formula import SqlFormula

KEPT = ("active", "silent")
PERCENTS = (20, 40, 60, 80)
# The three values that are scored. Recency is negated, so that score 5 is the most recent.
SCORED = {"r": "recency_value", "f": "frequency", "m": "monetary"}


def with_lifecycle(rows: DataFrame, formulas: Mapping[str, SqlFormula]) -> DataFrame:
    """Add lifecycle from recency_days and is_terminated."""
    lifecycle = formulas["lifecycle"](recency_days="recency_days", is_terminated="is_terminated")
    return rows.select("*", lifecycle.alias("lifecycle"))


def cut_points(rows: DataFrame, column: str) -> DataFrame:
    """One row per as_of: cut_20 ... cut_80, the smallest values that reach a share of customers.

    Null values are ignored. Exact, from distinct values with their counts: ties are never split,
    and the number of partitions does not matter. The running count is one task per as_of over
    distinct values, not over customers.

    | values | cut_20 | cut_40 | cut_60 | cut_80 |
    |---|---|---|---|---|
    | 1, 2, 3, 4, 5 | 1 | 2 | 3 | 4 |
    | 1, 1, 1, 1, 9 | 1 | 1 | 1 | 1 |
    | 7 | 7 | 7 | 7 | 7 |
    """
    counts = (
        rows.where(F.col(column).isNotNull()).groupBy("as_of", column).agg(F.count("*").alias("n"))
    )
    ascending = (
        Window.partitionBy("as_of").orderBy(column).rowsBetween(Window.unboundedPreceding, 0)
    )
    whole = Window.partitionBy("as_of").orderBy(column)
    whole = whole.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    shares = counts.select(
        "as_of",
        column,
        F.sum("n").over(ascending).alias("reached"),
        F.sum("n").over(whole).alias("all"),
    )
    return shares.groupBy("as_of").agg(
        *[
            F.min(F.when(F.col("reached") * 100 >= F.col("all") * p, F.col(column))).alias(
                f"cut_{p}"
            )
            for p in PERCENTS
        ]
    )


def highest_monetary(rows: DataFrame) -> DataFrame:
    """One row per as_of: m_highest, the highest monetary value of the active and silent."""
    kept = rows.where(F.col("lifecycle").isin(*KEPT))
    return kept.groupBy("as_of").agg(F.max("monetary").alias("m_highest"))


def with_rfm_scores(rows: DataFrame, formulas: Mapping[str, SqlFormula]) -> DataFrame:
    """Add r_score, f_score, m_score, rfm_score, rfm_priority; null unless active or silent.

    Also adds is_m_same: all active and silent customers have the same m_score, as in a company
    without amounts. No value is then above the first cut point.
    """
    score = formulas["quintile_score"]
    rows = rows.select("*", (-F.col("recency_days")).alias("recency_value"))
    highest = highest_monetary(rows)
    for letter, column in SCORED.items():
        cuts = cut_points(rows.where(F.col("lifecycle").isin(*KEPT)), column)
        names = {f"cut_{p}": f"{letter}_{p}" for p in PERCENTS}
        cuts = cuts.select("as_of", *[F.col(a).alias(b) for a, b in names.items()])
        scored = score(
            value=f"CASE WHEN lifecycle IN ('active', 'silent') THEN {column} END", **names
        )
        rows = rows.join(cuts.hint("broadcast"), on="as_of", how="left")
        rows = rows.select("*", scored.alias(f"{letter}_score"))
    scores = {f"{letter}_score": f"{letter}_score" for letter in SCORED}
    rows = rows.join(highest.hint("broadcast"), on="as_of", how="left")
    return rows.select(
        "*",
        (F.col("m_highest") <= F.col("m_20")).alias("is_m_same"),
        formulas["rfm_score"](**scores).alias("rfm_score"),
        formulas["rfm_priority"](**scores).alias("rfm_priority"),
    )


def customer_segments(
    features: DataFrame, rfm_window_days: int, formulas: Mapping[str, SqlFormula]
) -> DataFrame:
    """One row per (as_of, customer_id) of the feature rows, in exactly one segment.

    Where M is the same for all, FM = F. Otherwise a company without amounts would have no
    Champions.
    """
    rows = features.select(
        "*",
        F.col(f"purchases_{rfm_window_days}d").alias("frequency"),
        F.col(f"revenue_{rfm_window_days}d").alias("monetary"),
    )
    rows = with_rfm_scores(with_lifecycle(rows, formulas), formulas)
    segment = formulas["segment"](
        lifecycle="lifecycle",
        r_score="r_score",
        f_score="f_score",
        m_score="CASE WHEN is_m_same THEN f_score ELSE m_score END",
    )
    rows = rows.select("*", segment.alias("segment"))
    clv = formulas["clv_score"](
        **{name: name for name in ("tenure_months", "total_revenue", "purchase_frequency_30d")},
        avg_order_value="avg_order_value",
    )
    flag = formulas["high_risk_churn"](
        **{name: name for name in ("recency_days", "engagement_score", "support_tickets_30d")}
    )
    rows = rows.select(
        "*",
        formulas["segment_group"](segment="segment").alias("segment_group"),
        clv.alias("clv_score"),
        flag.alias("high_risk_churn"),
    )
    return conform(rows, CUSTOMER_SEGMENTS)


def segment_migration(now: DataFrame, then: DataFrame, previous_as_of: dt.date) -> DataFrame:
    """One row per (from_segment, to_segment) between two dates: customers, revenue_12m (currency).

    A customer without a segment at the earlier date comes from "New customer".
    """
    before = then.select("customer_id", F.col("segment").alias("from_segment"))
    moved = now.join(before, on="customer_id", how="left").select(
        "as_of",
        F.lit(previous_as_of).cast("date").alias("previous_as_of"),
        F.coalesce(F.col("from_segment"), F.lit("New customer")).alias("from_segment"),
        F.col("segment").alias("to_segment"),
        (F.round(F.col("monetary") * 100)).cast("bigint").alias("cents"),
    )
    ways = moved.groupBy("as_of", "previous_as_of", "from_segment", "to_segment").agg(
        F.count("*").alias("customers"), (F.sum("cents").cast("double") / 100).alias("revenue_12m")
    )
    return conform(ways, SEGMENT_MIGRATION)
