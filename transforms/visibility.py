"""Decides when a row becomes visible: the only place that limits what an as_of can use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, functions as F


def visible_from(event_at: str, known_at: str = "known_at") -> Column:
    """First as_of (date) at which the row is visible: it happened and was known before 00:00.

    Days begin at 00:00 in the session's time zone, which is features.business_time_zone.

    | event_at | known_at | visible_from |
    |---|---|---|
    | 2026-01-01 23:59:59 | 2026-01-01 23:59:59 | 2026-01-02 |
    | 2026-01-02 00:00:00 | 2026-01-02 00:00:00 | 2026-01-03 |
    | 2026-01-01 12:00:00 | 2026-01-05 08:00:00 | 2026-01-06 |
    """
    last = F.greatest(F.col(event_at), F.col(known_at)).cast("date")
    return F.date_add(last, 1).cast("date")


def keep_visible(rows: DataFrame, event_at: str, as_of: dt.date) -> DataFrame:
    """One row per row that is visible at as_of."""
    return rows.where(visible_from(event_at) <= F.lit(as_of).cast("date"))


def with_each_as_of(rows: DataFrame, as_of_dates: Sequence[dt.date]) -> DataFrame:
    """One row per row and as_of at which it is visible. `rows` has visible_from; the result has
    as_of.

    Rows multiply by the number of dates, which is small. Aggregate the rows before this step.
    """
    dates = F.array(*[F.lit(d).cast("date") for d in sorted(set(as_of_dates))])
    exploded = rows.select("*", F.explode(dates).alias("as_of"))
    return exploded.where(F.col("visible_from") <= F.col("as_of"))


def days_before(as_of: str, day: str) -> Column:
    """Whole days from `day` to `as_of`; an event on the previous day counts 1.

    | as_of | day | days_before |
    |---|---|---|
    | 2026-01-02 | 2026-01-01 | 1 |
    | 2026-02-01 | 2026-01-02 | 30 |
    | 2026-02-01 | null | null |
    """
    return F.datediff(F.col(as_of), F.col(day))
