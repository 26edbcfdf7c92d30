"""When customers bought next after past dates: rows to fit and to judge forecasts of that day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from transforms.lifetime import with_terminated
from transforms.slices import at_date

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SUMMARY = ("customer_id", "as_of", "frequency", "recency_days", "T_days")


def next_purchases(
    days: DataFrame,
    summary: DataFrame,
    terminations: DataFrame | None,
    *,
    spans: Sequence[tuple[dt.date, dt.date]],
    most: int,
) -> DataFrame:
    """One row per span (as_of, until) and customer of the summary whose contract had not ended.

    `days` are `purchase_totals`. next_days: days from as_of to the next purchase day, 0 being
    as_of, as known at `until`; null: none before `until`. At most `most` customers per span, chosen
    by the hash of the id. For the span from 2026-02-01 until 2026-02-11, a next purchase on
    2026-02-01 gives 0, on 2026-02-04 gives 3, and on 2026-02-11 null.
    """
    parts = [_of_span(days, summary, terminations, span=span, most=most) for span in spans]
    return reduce(lambda rows, more: rows.unionByName(more), parts)


def _of_span(
    days: DataFrame,
    summary: DataFrame,
    terminations: DataFrame | None,
    *,
    span: tuple[dt.date, dt.date],
    most: int,
) -> DataFrame:
    as_of, until = (F.lit(day).cast("date") for day in span)
    known = with_terminated(at_date(summary, span[0]).select(*SUMMARY), terminations)
    running = known.where("NOT is_terminated")
    drawn = running.select(*SUMMARY, F.md5(F.col("customer_id")).alias("place"))
    chosen = drawn.orderBy("place", "customer_id").limit(most)
    is_next = (F.col("is_purchase") == 1) & (F.col("day") >= as_of) & (F.col("day") < until)
    later = days.where(is_next & (F.col("visible_from") <= until))
    first = later.groupBy("customer_id").agg(F.min("day").alias("next_day"))
    rows = chosen.join(first, on="customer_id", how="left")
    return rows.select(
        *SUMMARY,
        until.alias("until"),
        F.datediff(F.col("next_day"), F.col("as_of")).alias("next_days"),
    )
