"""How fresh a source table is, and how many rows it got per window."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame, functions as F

from transforms.visibility import visible_from


def window_counts(
    rows: DataFrame, event_time: str, *, as_of: dt.date, window_days: int, windows: int
) -> DataFrame:
    """One row: last_on, first_on (days of the visible events), window_0, ..., rows.

    window_0 counts the events of the `window_days` before as_of, window_1 those of the window
    before, and so on up to window_<windows>. Days are null without any event.
    """
    seen = rows.where(visible_from(event_time) <= F.lit(as_of).cast("date"))
    dated = seen.select(F.col(event_time).cast("date").alias("day"))
    before = F.datediff(F.lit(as_of).cast("date"), F.col("day")) - 1
    place = F.floor(before / F.lit(window_days))
    counts = [F.count(F.when(place == i, 1)).alias(f"window_{i}") for i in range(windows + 1)]
    return dated.agg(
        F.max("day").alias("last_on"),
        F.min("day").alias("first_on"),
        *counts,
        F.count(F.lit(1)).alias("rows"),
    )
