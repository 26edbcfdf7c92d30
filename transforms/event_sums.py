"""What is counted of the events of a customer: once for windows of days, once for each day.

features.behavior takes the measures over 30 and 90 days before as_of, features.behavior_live takes
them over each single day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, functions as F

from contracts.live import BEHAVIOR_LIVE, NAMES_APART
from transforms.conform import conform
from transforms.visibility import visible_from, with_each_as_of

# Minutes, stars and sentiment are summed as whole ten-thousandths: exact in any order.
UNIT = 10_000
EMAILS = ("sent", "opened", "replied")


@dataclass(frozen=True)
class Measure:
    """The sum, or the number of distinct values, of a column of event_rows.

    kind: only events of this kind count; None: all do.
    """

    kind: str | None
    column: str
    is_distinct: bool = False


MEASURES = {
    "login_days": Measure("login", "day", is_distinct=True),
    "sessions": Measure(None, "session_id", is_distinct=True),
    "features_used": Measure("feature_use", "feature", is_distinct=True),
    "minute_units": Measure(None, "minutes"),
    "page_views": Measure("page_view", "events"),
    "community_posts": Measure("community_post", "events"),
    **{f"emails_{what}": Measure(f"email_{what}", "events") for what in EMAILS},
}


def units(column: str) -> Column:
    """A value in whole ten-thousandths, half up."""
    return F.round(F.col(column) * UNIT).cast("bigint")


def event_rows(events: DataFrame) -> DataFrame:
    """One row per customer, kind, day, first visible day, feature and session: events, minutes.

    minutes are in units of 1 / UNIT; null: no duration. last_event_at: the newest of its events.
    """
    rows = events.select(
        "customer_id",
        "kind",
        F.col("occurred_at").cast("date").alias("day"),
        visible_from("occurred_at").alias("visible_from"),
        "feature",
        "session_id",
        "occurred_at",
        units("duration_minutes").alias("minutes"),
    )
    return rows.groupBy("customer_id", "kind", "day", "visible_from", "feature", "session_id").agg(
        F.count("*").alias("events"),
        F.sum("minutes").alias("minutes"),
        F.max("occurred_at").alias("last_event_at"),
    )


def measure(name: str, during: Column) -> Column:
    """An aggregate over event_rows for which `during` is true. A sum of no row is null."""
    counted = MEASURES[name]
    is_counted = during if counted.kind is None else during & (F.col("kind") == counted.kind)
    value = F.when(is_counted, F.col(counted.column))
    return F.countDistinct(value) if counted.is_distinct else F.sum(value)


def minutes_of(unit_column: str) -> Column:
    """Minutes of a sum of `minute_units`."""
    return F.col(unit_column) / float(UNIT)


def first_uses(events: DataFrame, known_at: str = "known_at") -> DataFrame:
    """One row per product feature: visible_from, the first as_of at which its use is visible.

    known_at: the column with the time at which an event became known.
    """
    used = events.where((F.col("kind") == "feature_use") & F.col("feature").isNotNull())
    return used.groupBy("feature").agg(
        F.min(visible_from("occurred_at", known_at)).alias("visible_from")
    )


def known_features(uses: DataFrame, as_of_dates: Sequence[dt.date]) -> DataFrame:
    """One row per as_of with a feature in `uses`: known_features, the number visible by then."""
    return (
        with_each_as_of(uses, as_of_dates)
        .groupBy("as_of")
        .agg(F.count("*").alias("known_features"))
    )


def day_sums(events: DataFrame) -> DataFrame:
    """One row per customer and day with an event: the rows of features.behavior_live.

    An event counts for the day on which it occurred, whenever it became known.
    """
    always = F.lit(True)
    whole = [name for name in MEASURES if name != "minute_units"]
    name = F.when(F.col("kind") == "feature_use", F.col("feature"))
    sums = (
        event_rows(events)
        .groupBy("customer_id", "day")
        .agg(
            F.sum("events").alias("events"),
            *[F.coalesce(measure(n, always), F.lit(0)).alias(n) for n in whole],
            measure("minute_units", always).alias("minute_units"),
            F.array_join(F.sort_array(F.collect_set(name)), NAMES_APART).alias("names"),
            F.max("last_event_at").alias("last_event_at"),
        )
    )
    rows = sums.select(
        "*",
        minutes_of("minute_units").alias("usage_minutes"),
        F.coalesce(F.col("names"), F.lit("")).alias("features"),
    )
    return conform(rows, BEHAVIOR_LIVE)
