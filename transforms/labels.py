"""features.labels: who churned within a horizon that has fully passed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import DataFrame, functions as F

from contracts.features import LABELS
from transforms.conform import conform
from transforms.purchases import is_purchase
from transforms.visibility import visible_from, with_each_as_of


def purchase_days(transactions: DataFrame) -> DataFrame:
    """One row a (customer_id, day, visible_from) with a purchase."""
    bought = transactions.where(is_purchase())
    return bought.select(
        "customer_id",
        F.col("purchased_at").cast("date").alias("day"),
        visible_from("purchased_at").alias("visible_from"),
    ).distinct()


def churn_population(
    days: DataFrame, ended: DataFrame, as_of_dates: Sequence[dt.date]
) -> DataFrame:
    """One row a (customer_id, as_of) with a purchase seen before as_of and a contract not ended."""
    seen = with_each_as_of(days, as_of_dates).select("customer_id", "as_of")
    return seen.join(ended, on=["customer_id", "as_of"], how="left_anti").distinct()


def inactivity_labels(
    days: DataFrame,
    population: DataFrame,
    horizons: Sequence[int],
    lead_days: int,
    observed_until: dt.date,
) -> DataFrame:
    """One row a (customer_id, as_of, horizon_days): 1 where the horizon has no purchase.

    A horizon is [as_of + lead, as_of + lead + horizon_days), and only those that end by
    observed_until have rows. What happened counts, whenever it became known.
    """
    later = _with_start(population, lead_days).join(
        days.select("customer_id", "day").distinct(), on="customer_id", how="inner"
    )
    waits = later.select(
        "customer_id", "as_of", F.datediff(F.col("day"), F.col("start_on")).alias("wait")
    )
    first = (
        waits.where(F.col("wait") >= 0)
        .groupBy("customer_id", "as_of")
        .agg(F.min("wait").alias("wait"))
    )
    # A plain select after the join: the one-box engine reads a key inside an expression from the
    # right side, where it is null for customers who never came back.
    rows = population.join(first, on=["customer_id", "as_of"], how="left")
    rows = rows.select("customer_id", "as_of", "wait")
    return _by_horizon(rows, horizons, lead_days, observed_until, "inactivity")


def termination_labels(
    terminations: DataFrame,
    population: DataFrame,
    horizons: Sequence[int],
    lead_days: int,
    observed_until: dt.date,
) -> DataFrame:
    """One row a (customer_id, as_of, horizon_days): 1 where the contract ends in the horizon.

    Horizons as in inactivity_labels. A contract that had ended before its horizon began (in the
    days of lead, or unknown at as_of) has no row: nobody was left who could stay or leave.
    """
    first_end = terminations.groupBy("customer_id").agg(F.min("terminated_at").alias("ended_at"))
    starts = _with_start(population, lead_days).join(first_end, on="customer_id", how="left")
    waits = starts.select(
        "customer_id",
        "as_of",
        F.datediff(F.col("ended_at").cast("date"), F.col("start_on")).alias("wait"),
    )
    there = waits.where(F.col("wait").isNull() | (F.col("wait") >= 0))
    return _by_horizon(there, horizons, lead_days, observed_until, "termination")


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
    """`rows` has customer_id, as_of and wait: days from the start to the event; null: none."""
    each = rows.select(
        "*", F.explode(F.array(*[F.lit(h) for h in sorted(horizons)])).alias("horizon_days")
    ).select(
        "*", F.datediff(F.lit(observed_until).cast("date"), F.col("as_of")).alias("observed_days")
    )
    passed = each.where(F.col("horizon_days") + F.lit(lead_days) <= F.col("observed_days"))
    happens = F.col("wait").isNotNull() & (F.col("wait") < F.col("horizon_days"))
    churned = happens if definition == "termination" else ~happens
    labelled = passed.select(
        "*",
        F.lit(lead_days).alias("lead_days"),
        F.lit(definition).alias("definition"),
        churned.cast("int").alias("churned"),
    )
    return conform(labelled, LABELS)
