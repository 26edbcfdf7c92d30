"""The rows of one as_of, or of several."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from pyspark.sql import DataFrame, functions as F


def at_date(rows: DataFrame, day: dt.date) -> DataFrame:
    """The rows of one as_of."""
    return rows.where(f"as_of = DATE'{day}'")


def at_dates(rows: DataFrame, days: Iterable[dt.date]) -> DataFrame:
    """The rows whose as_of is one of the days."""
    return rows.where(F.col("as_of").isin([F.lit(day).cast("date") for day in days]))


def newest_as_of(rows: DataFrame) -> DataFrame:
    """One row with the newest as_of of the rows; null if there are none."""
    return rows.agg(F.max("as_of").alias("as_of"))
