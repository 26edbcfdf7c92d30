"""gold.customer_segments and segment_migration: lifecycle, RFM scores, and the twelve segments.

A customer whose value lies near a cut point would change segment at every date. Hysteresis prevents
that: a score that decides the segment is kept from the previous date while the value is within a
margin of it. The RFM scores themselves are those of the date alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

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


def cut_points(rows: DataFrame, column: str, percents: Sequence[int] = PERCENTS) -> DataFrame:
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
            for p in percents
        ]
    )


def highest_monetary(rows: DataFrame) -> DataFrame:
    """One row per as_of: m_highest, the highest monetary value of the active and silent."""
    kept = rows.where(F.col("lifecycle").isin(*KEPT))
    return kept.groupBy("as_of").agg(F.max("monetary").alias("m_highest"))


def with_rfm_scores(
    rows: DataFrame, formulas: Mapping[str, SqlFormula], margin: int = 0
) -> DataFrame:
    """Add r_score, f_score, m_score, rfm_score, rfm_priority; null unless active or silent.

    Per letter also r_least and r_most: the scores with all cut points `margin` percent of the
    customers higher and lower.

    Also adds is_m_same: all active and silent customers have the same m_score, as in a company
    without amounts. No value is then above the first cut point.
    """
    score = formulas["quintile_score"]
    rows = rows.select("*", (-F.col("recency_days")).alias("recency_value"))
    highest = highest_monetary(rows)
    for letter, column in SCORED.items():
        moves = {"score": 0, "least": margin, "most": -margin}
        percents = sorted({p + move for p in PERCENTS for move in moves.values()})
        cuts = cut_points(rows.where(F.col("lifecycle").isin(*KEPT)), column, percents)
        cuts = cuts.select("as_of", *[F.col(f"cut_{p}").alias(f"{letter}_{p}") for p in percents])
        rows = rows.join(cuts.hint("broadcast"), on="as_of", how="left")
        value = f"CASE WHEN lifecycle IN ('active', 'silent') THEN {column} END"
        scores = [
            score(value=value, **{f"cut_{p}": f"{letter}_{p + move}" for p in PERCENTS})
            for move in moves.values()
        ]
        names = [f"{letter}_{name}" for name in moves]
        rows = rows.select("*", *[s.alias(name) for s, name in zip(scores, names, strict=True)])
    named = {f"{letter}_score": f"{letter}_score" for letter in SCORED}
    rows = rows.join(highest.hint("broadcast"), on="as_of", how="left")
    return rows.select(
        "*",
        (F.col("m_highest") <= F.col("m_20")).alias("is_m_same"),
        formulas["rfm_score"](**named).alias("rfm_score"),
        formulas["rfm_priority"](**named).alias("rfm_priority"),
    )


def with_segment_scores(rows: DataFrame, previous: DataFrame | None) -> DataFrame:
    """Add segment_r, segment_f, segment_m: the scores that decide the segment.

    The score of the previous date where it lies between today's scores r_least and r_most,
    else today's score. previous: gold.customer_segments of one earlier date, or None.

    | before | least | score | most | segment_r |
    |---|---|---|---|---|
    | 5 | 4 | 4 | 5 | 5 |
    | 5 | 3 | 4 | 4 | 4 |
    | null | 4 | 4 | 5 | 4 |
    """
    if previous is None:
        return rows.select(
            "*", *[F.col(f"{letter}_score").alias(f"segment_{letter}") for letter in SCORED]
        )
    names = [f"segment_{letter}" for letter in SCORED]
    before = previous.select("customer_id", *[F.col(n).alias(f"previous_{n}") for n in names])
    rows = rows.join(before, on="customer_id", how="left")
    scores = [
        F.when(
            F.col(f"previous_segment_{letter}").between(
                F.col(f"{letter}_least"), F.col(f"{letter}_most")
            ),
            F.col(f"previous_segment_{letter}"),
        )
        .otherwise(F.col(f"{letter}_score"))
        .alias(f"segment_{letter}")
        for letter in SCORED
    ]
    return rows.select("*", *scores)


def customer_segments(
    features: DataFrame,
    rfm_window_days: int,
    formulas: Mapping[str, SqlFormula],
    *,
    previous: DataFrame | None = None,
    margin: int = 0,
) -> DataFrame:
    """One row per (as_of, customer_id) of the feature rows, in exactly one segment.

    Where M is the same for all, FM = F. Otherwise a company without amounts would have no
    Champions. previous: the segments of an earlier date, whose scores are kept within `margin`
    percent of the customers; None keeps none.
    """
    rows = features.select(
        "*",
        F.col(f"purchases_{rfm_window_days}d").alias("frequency"),
        F.col(f"revenue_{rfm_window_days}d").alias("monetary"),
    )
    rows = with_rfm_scores(with_lifecycle(rows, formulas), formulas, margin)
    rows = with_segment_scores(rows, previous)
    segment = formulas["segment"](
        lifecycle="lifecycle",
        r_score="segment_r",
        f_score="segment_f",
        m_score="CASE WHEN is_m_same THEN segment_f ELSE segment_m END",
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
