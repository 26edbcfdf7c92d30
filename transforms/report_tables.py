"""The few rows that the report shows: aggregates of the gold and feature tables.

Money and probabilities are summed as whole numbers (cents, billionths), so that no figure depends
on the order of addition and the same tables give the same report.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import DataFrame, functions as F

from transforms.exact_sums import BILLION, CENT, in_parts, sum_of_parts
from transforms.slices import newest_as_of


def rows_by_table(frames: Mapping[str, DataFrame]) -> DataFrame:
    """One row per table of `frames`: table, rows. One Spark job for all tables."""
    counts = [
        frame.agg(F.count("*").alias("rows")).select(F.lit(name).alias("table"), "rows")
        for name, frame in frames.items()
    ]
    return reduce(DataFrame.unionByName, counts)


def lifecycle_counts(segments: DataFrame) -> DataFrame:
    """One row per lifecycle that occurs: customers."""
    return segments.groupBy("lifecycle").agg(F.count("*").alias("customers"))


def score_counts(scores: DataFrame) -> DataFrame:
    """One row per (score_basis, model_name, model_version): customers."""
    origin = ("score_basis", "model_name", "model_version")
    return scores.groupBy(*origin).agg(F.count("*").alias("customers"))


def segment_figures(segments: DataFrame, customers: DataFrame) -> DataFrame:
    """One row per segment that occurs: customers, revenue, scored, probability, at_stake, at_risk.

    probability is summed over the scored customers: the expected number of leavers. revenue is in
    currency, at_stake and at_risk are in the unit of `customers`, which comes from
    `first_list.scored_customers`.
    """
    known = segments.select("segment", "segment_group", in_parts(F.col("monetary"), CENT, "cents"))
    sizes = known.groupBy("segment", "segment_group").agg(
        F.count("*").alias("customers"), sum_of_parts("cents", CENT, "revenue")
    )
    risks = customers.select(
        "segment",
        in_parts(F.col("churn_probability"), BILLION, "billionths"),
        in_parts(F.col("at_stake"), CENT, "cents_at_stake"),
        in_parts(F.col("at_risk"), CENT, "cents_at_risk"),
    )
    risks = risks.groupBy("segment").agg(
        F.count("*").alias("scored"),
        sum_of_parts("billionths", BILLION, "probability"),
        sum_of_parts("cents_at_stake", CENT, "at_stake"),
        sum_of_parts("cents_at_risk", CENT, "at_risk"),
    )
    return sizes.join(risks, on="segment", how="left")


def driver_figures(factors: DataFrame) -> DataFrame:
    """One row per feature among the top five of any customer: customers, raised, strength.

    raised: number of customers whose risk it raises. strength: sum of |impact|.
    """
    rows = factors.select(
        "feature",
        (F.col("impact") > 0).cast("int").alias("is_raised"),
        F.abs(F.col("impact")).alias("size"),
    )
    rows = rows.select("feature", "is_raised", in_parts(F.col("size"), BILLION, "billionths"))
    return rows.groupBy("feature").agg(
        F.count("*").alias("customers"),
        F.sum("is_raised").alias("raised"),
        sum_of_parts("billionths", BILLION, "strength"),
    )


def matured(labels: DataFrame, as_of: dt.date) -> DataFrame:
    """One row per label whose window had fully passed by as_of. With as_of 2026-02-01:

    | as_of | horizon_days | lead_days | matured |
    |---|---|---|---|
    | 2026-01-02 | 30 | 0 | true |
    | 2026-01-03 | 30 | 0 | false |
    | 2026-01-02 | 30 | 1 | false |
    """
    passed = F.datediff(F.lit(as_of).cast("date"), F.col("as_of"))
    return labels.where(passed >= F.col("horizon_days") + F.col("lead_days"))


def returns_by_silence(
    transactions: DataFrame, labels: DataFrame, silences: Sequence[int]
) -> DataFrame:
    """One row per (silent_days, horizon_days) over all as_of dates: rows, returned, dates.

    A row counts for every silent_days below its recency_days. returned: bought within the horizon.
    A customer has a row per date, so the rows are not an independent sample.
    """
    recency = transactions.select("customer_id", "as_of", "recency_days")
    rows = labels.select("customer_id", "as_of", "horizon_days", "churned").join(
        recency, on=["customer_id", "as_of"], how="inner"
    )
    each = rows.select("*", F.explode(F.array(*[F.lit(n) for n in silences])).alias("silent_days"))
    silent = each.where(F.col("recency_days") > F.col("silent_days"))
    return silent.groupBy("silent_days", "horizon_days").agg(
        F.count("*").alias("rows"),
        F.sum(1 - F.col("churned")).alias("returned"),
        F.min("as_of").alias("first_as_of"),
        F.max("as_of").alias("last_as_of"),
    )


def returns_after_horizon(labels: DataFrame, pairs: Sequence[tuple[int, int]]) -> DataFrame:
    """One row per pair (horizon_days, later_days): rows, leavers, returned.

    leavers: no purchase within horizon_days, so labelled as churned. returned: leavers who bought
    by later_days. Rows are pairs of customer and date whose label of later_days has passed too. For
    the pair (30, 60):

    | churned at 30 | churned at 60 | leavers | returned |
    |---|---|---|---|
    | 1 | 0 | 1 | 1 |
    | 1 | 1 | 1 | 0 |
    | 0 | 0 | 0 | 0 |
    """
    bought = F.when(F.col("churned") == 0, F.col("horizon_days"))
    ways = labels.select("customer_id", "as_of", "horizon_days", bought.alias("bought"))
    ways = ways.groupBy("customer_id", "as_of").agg(
        F.min("bought").alias("bought_within"), F.max("horizon_days").alias("seen_days")
    )
    # One row per pattern, at most the square of the number of horizons: later steps cost little.
    patterns = ways.groupBy("bought_within", "seen_days").agg(F.count("*").alias("n"))
    both = [F.struct(F.lit(h).alias("h"), F.lit(later).alias("later")) for h, later in pairs]
    each = patterns.select("*", F.explode(F.array(*both)).alias("pair")).select(
        "n",
        "seen_days",
        F.coalesce(F.col("bought_within"), F.lit(1_000_000)).alias("bought_within"),
        F.col("pair.h").alias("horizon_days"),
        F.col("pair.later").alias("later_days"),
    )
    known = each.where(F.col("seen_days") >= F.col("later_days"))
    left = F.col("bought_within") > F.col("horizon_days")
    came_back = left & (F.col("bought_within") <= F.col("later_days"))
    return known.groupBy("horizon_days", "later_days").agg(
        F.sum("n").alias("rows"),
        F.sum(F.when(left, F.col("n")).otherwise(0)).alias("leavers"),
        F.sum(F.when(came_back, F.col("n")).otherwise(0)).alias("returned"),
    )


def latest_shared_as_of(segments: DataFrame, labels: DataFrame) -> DataFrame:
    """One row: the last as_of that both frames have; null: none."""
    dates = segments.select("as_of").distinct()
    shared = dates.join(labels.select("as_of").distinct(), on="as_of", how="inner")
    return newest_as_of(shared)


def churn_by_segment(segments: DataFrame, labels: DataFrame, scores: DataFrame) -> DataFrame:
    """One row per (segment, lifecycle) of one past as_of and horizon: the outcome of its customers.

    customers, churned, revenue_lost (net revenue of the customers who churned, currency). For the
    scored customers also scored_stayed and scored_left, with the sums of their probabilities
    p_stayed and p_left. Sums over no customers are null.
    """
    then = segments.select("customer_id", "segment", "lifecycle", "monetary")
    rows = then.join(labels.select("customer_id", "churned"), on="customer_id", how="inner")
    rows = rows.join(
        scores.select("customer_id", "churn_probability"), on="customer_id", how="left"
    )
    rows = rows.select(
        "segment",
        "lifecycle",
        "churned",
        in_parts(F.col("monetary"), CENT, "cents"),
        in_parts(F.col("churn_probability"), BILLION, "billionths"),
    )
    left, stayed = F.col("churned") == 1, F.col("churned") == 0
    return rows.groupBy("segment", "lifecycle").agg(
        F.count("*").alias("customers"),
        F.sum("churned").alias("churned"),
        (F.sum(F.when(left, F.col("cents"))).cast("double") / CENT).alias("revenue_lost"),
        F.count(F.when(stayed, F.col("billionths"))).alias("scored_stayed"),
        F.count(F.when(left, F.col("billionths"))).alias("scored_left"),
        (F.sum(F.when(stayed, F.col("billionths"))).cast("double") / BILLION).alias("p_stayed"),
        (F.sum(F.when(left, F.col("billionths"))).cast("double") / BILLION).alias("p_left"),
    )


def ingest_figures(log: DataFrame) -> DataFrame:
    """One row per source: files, rows_in, rows_kept, rows_quarantined, rows_duplicate,
    rows_left_out.

    Files in quarantine are not counted. A log of an earlier version may lack `fault` and
    `rows_left_out`.
    """
    counts = ("rows_in", "rows_kept", "rows_quarantined", "rows_duplicate")
    log = log.where("fault IS NULL") if "fault" in log.columns else log
    left_out = F.col("rows_left_out") if "rows_left_out" in log.columns else F.lit(0)
    return log.groupBy("source").agg(
        F.count("*").alias("files"),
        *[F.sum(name).alias(name) for name in counts],
        F.sum(F.coalesce(left_out, F.lit(0))).alias("rows_left_out"),
    )


def quarantine_figures(quarantine: DataFrame, most: int) -> DataFrame:
    """One row per (source, reasons) in quarantine, not replayed: rows. The `most` largest ones."""
    waiting = quarantine.where("NOT COALESCE(is_replayed, FALSE)")
    counts = waiting.groupBy("source", "reasons").agg(F.count("*").alias("rows"))
    return counts.orderBy(F.col("rows").desc(), "source", "reasons").limit(most)
