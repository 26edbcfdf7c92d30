"""When a row may be seen: the one place that decides what a feature of an as_of can use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, functions as F


def visible_from(event_at: str, known_at: str = "known_at") -> Column:
    """First as_of (date) that sees the row: both happened and known before its 00:00 UTC."""
    last = F.greatest(F.col(event_at), F.col(known_at)).cast("date")
    return F.date_add(last, 1).cast("date")


def keep_visible(rows: DataFrame, event_at: str, as_of: dt.date) -> DataFrame:
    """The rows that as_of sees."""
    return rows.where(visible_from(event_at) <= F.lit(as_of).cast("date"))


def with_each_as_of(rows: DataFrame, as_of_dates: Sequence[dt.date]) -> DataFrame:
    """One row for each as_of that sees it. `rows` has visible_from; the result has as_of.

    The list is a handful of dates, so rows multiply by that; do it after they were aggregated.
    """
    dates = F.array(*[F.lit(d).cast("date") for d in sorted(set(as_of_dates))])
    exploded = rows.select("*", F.explode(dates).alias("as_of"))
    return exploded.where(F.col("visible_from") <= F.col("as_of"))


def days_before(as_of: str, day: str) -> Column:
    """Whole days from `day` to `as_of`; an event of the day before counts 1."""
    return F.datediff(F.col(as_of), F.col(day))
