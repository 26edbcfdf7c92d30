"""features.labels: churn within a horizon that has fully passed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import DataFrame, functions as F

from contracts.features import LABELS
from transforms.conform import conform
from transforms.purchases import is_purchase
from transforms.visibility import visible_from, with_each_as_of


def purchase_days(transactions: DataFrame) -> DataFrame:
    """One row per (customer_id, day, visible_from) with a purchase; is_purchase is 1."""
    bought = transactions.where(is_purchase())
    return bought.select(
        "customer_id",
        F.col("purchased_at").cast("date").alias("day"),
        visible_from("purchased_at").alias("visible_from"),
        F.lit(1).alias("is_purchase"),
    ).distinct()


def churn_population(
    days: DataFrame, ended: DataFrame, as_of_dates: Sequence[dt.date]
) -> DataFrame:
    """One row per (customer_id, as_of) with a visible purchase and a contract that is running."""
    seen = with_each_as_of(days, as_of_dates).select("customer_id", "as_of")
    return seen.join(ended, on=["customer_id", "as_of"], how="left_anti").distinct()


def inactivity_labels(
    days: DataFrame,
    population: DataFrame,
    horizons: Sequence[int],
    *,
    lead_days: int,
    wait_days: int,
    observed_until: dt.date,
) -> DataFrame:
    """One row per (customer_id, as_of, horizon_days): churned is 1 if it has no purchase.

    A horizon is [as_of + lead_days, as_of + lead_days + horizon_days). Only horizons that end by
    observed_until have rows. A purchase counts if it was known within `wait_days` of the end of the
    horizon, so that a later backfill changes no label. With as_of 2026-01-01, a horizon of 30 days,
    lead_days 0 and wait_days 3:

    | purchased_at | known_at | churned |
    |---|---|---|
    | 2026-01-01 00:00:00 | 2026-01-01 00:00:00 | 0 |
    | 2026-01-30 23:59:59 | 2026-01-30 23:59:59 | 0 |
    | 2026-01-31 00:00:00 | 2026-01-31 00:00:00 | 1 |
    | 2026-01-20 12:00:00 | 2026-02-02 12:00:00 | 0 |
    | 2026-01-20 12:00:00 | 2026-02-03 12:00:00 | 1 |
    """
    starts = _with_start(population, lead_days)
    later = starts.join(days, on="customer_id", how="inner")
    first = (
        _with_waits(later, wait_days)
        .where(F.col("happens") >= 0)
        .groupBy("customer_id", "as_of")
        .agg(F.min("counts").alias("wait"))
    )
    # A plain select after the join: DuckDB reads a key inside an expression from the right side of
    # the join, where it is null for customers who never came back.
    rows = population.join(first, on=["customer_id", "as_of"], how="left")
    rows = rows.select("customer_id", "as_of", "wait")
    return _by_horizon(rows, horizons, lead_days, observed_until, "inactivity")


def termination_labels(
    terminations: DataFrame,
    population: DataFrame,
    horizons: Sequence[int],
    *,
    lead_days: int,
    wait_days: int,
    observed_until: dt.date,
) -> DataFrame:
    """One row per (customer_id, as_of, horizon_days): churned is 1 if the contract ends.

    Horizons and visibility as in inactivity_labels. A contract that had ended before its horizon
    began (during the lead, or not yet known at as_of) has no row, because the customer could
    neither stay nor leave.
    """
    ends = terminations.select(
        "customer_id",
        F.col("terminated_at").cast("date").alias("day"),
        visible_from("terminated_at").alias("visible_from"),
    )
    starts = _with_start(population, lead_days).join(ends, on="customer_id", how="left")
    waits = _with_waits(starts, wait_days)
    rows = waits.groupBy("customer_id", "as_of").agg(
        F.min(F.when(F.col("happens") >= 0, F.col("counts"))).alias("wait"),
        F.min(F.when(F.col("happens") < 0, F.col("counts"))).alias("gone"),
    )
    return _by_horizon(rows, horizons, lead_days, observed_until, "termination")


def _with_waits(events: DataFrame, wait_days: int) -> DataFrame:
    """One row per event: `happens`, the days from start_on to the event, and `counts`.

    A horizon of h days ends h days after start_on and includes what is visible wait_days later. The
    event therefore counts in every horizon longer than `counts`.
    """
    dated = events.select(
        "customer_id",
        "as_of",
        F.datediff(F.col("day"), F.col("start_on")).alias("happens"),
        F.datediff(F.col("visible_from"), F.col("start_on")).alias("seen"),
    )
    counts = F.greatest(F.col("happens"), F.col("seen") - F.lit(wait_days + 1)).alias("counts")
    return dated.select("customer_id", "as_of", "happens", counts)


def _with_start(population: DataFrame, lead_days: int) -> DataFrame:
    start = F.date_add(F.col("as_of"), lead_days).cast("date")
    return population.select("customer_id", "as_of", start.alias("start_on"))


def _by_horizon(
    rows: DataFrame,
    horizons: Sequence[int],
    lead_days: int,
    observed_until: dt.date,
    definition: str,
) -> DataFrame:
    """One row per (customer_id, as_of, horizon_days) that has passed.

    `rows` has customer_id, as_of and wait: horizons longer than `wait` include the event; null: no
    event. For a termination it also has `gone`: in horizons longer than it, the contract is known
    to have ended before.
    """
    each = rows.select(
        "*", F.explode(F.array(*[F.lit(h) for h in sorted(horizons)])).alias("horizon_days")
    ).select(
        "*", F.datediff(F.lit(observed_until).cast("date"), F.col("as_of")).alias("observed_days")
    )
    passed = each.where(F.col("horizon_days") + F.lit(lead_days) <= F.col("observed_days"))
    if definition == "termination":
        passed = passed.where(F.col("gone").isNull() | (F.col("gone") >= F.col("horizon_days")))
    happens = F.col("wait").isNotNull() & (F.col("wait") < F.col("horizon_days"))
    churned = happens if definition == "termination" else ~happens
    labelled = passed.select(
        "*",
        F.lit(lead_days).alias("lead_days"),
        F.lit(definition).alias("definition"),
        churned.cast("int").alias("churned"),
    )
    return conform(labelled, LABELS)
