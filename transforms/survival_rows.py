"""The landmark design: customers alive at as_of, their age, and the time of their next event.

A row begins at its landmark L (an as_of) with the customer's age in days. It ends on the first
as_of at which the event is visible, or at the end of observation. Covariates are the features of L:
they are joined by (customer_id, as_of) and not used here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window, functions as F

from transforms.training_rows import KEY
from transforms.visibility import visible_from

# Whole numbers, null for a customer who is not alive at as_of.
TIMES = ("entry_days", "duration_days", "event", "followed_days", "known_days")


def without_times(rows: DataFrame) -> DataFrame:
    """Add TIMES as nulls, for a lake without features: no survival model can be fitted there."""
    return rows.select("*", *[F.lit(None).cast("bigint").alias(name) for name in TIMES])


def lapses(days: DataFrame, window_days: int) -> DataFrame:
    """One row per time that a customer fell silent: customer_id, ended_on, known_on.

    ended_on is the last purchase + window_days. known_on equals ended_on, because silence is
    visible without any data arriving. `days` are those of labels.purchase_days or purchase_totals.
    Silent means no purchase on the window_days - 1 days after a purchase, so that recency_days
    reaches window_days at 00:00 of ended_on. A customer may return and fall silent again. The last
    silence may lie beyond the end of observation.
    """
    by_day = Window.partitionBy("customer_id").orderBy("day")
    bought = days.where(F.col("is_purchase") == 1).select("customer_id", "day").distinct()
    linked = bought.select("*", F.lead("day").over(by_day).alias("next_day"))
    waits = linked.select("*", F.datediff(F.col("next_day"), F.col("day")).alias("wait"))
    silent = waits.where(F.col("wait").isNull() | (F.col("wait") >= window_days))
    ended_on = F.date_add(F.col("day"), window_days).cast("date")
    return silent.select("customer_id", ended_on.alias("ended_on"), ended_on.alias("known_on"))


def ends(terminations: DataFrame, known_by: dt.date) -> DataFrame:
    """One row per customer whose termination is visible at known_by: ended_on, known_on.

    ended_on: the day after the termination. known_on: the first as_of that sees it, later where it
    arrived late.
    """
    dated = terminations.select(
        "customer_id",
        F.date_add(F.col("terminated_at").cast("date"), 1).cast("date").alias("ended_on"),
        visible_from("terminated_at").alias("known_on"),
    )
    known = dated.where(F.col("known_on") <= F.lit(known_by).cast("date"))
    return known.groupBy("customer_id").agg(
        F.min("ended_on").alias("ended_on"), F.min("known_on").alias("known_on")
    )


def alive(
    transactions: DataFrame, demographics: DataFrame, window_days: int | None = None
) -> DataFrame:
    """One row per (customer_id, as_of) with a purchase and not ended: entry_days.

    entry_days is the age at as_of: days since signup or the first purchase, whichever is earlier,
    at least 1. With window_days, customers silent for that long have ended (definition inactivity).
    Customers whose contract has ended are left out in either definition.
    """
    here = demographics.where(~F.col("is_terminated")).select(*KEY)
    bought = transactions.where(F.col("recency_days").isNotNull())
    if window_days is not None:
        bought = bought.where(F.col("recency_days") < window_days)
    age = F.greatest(F.col("tenure_days"), F.col("observed_days") + 1)
    aged = bought.select(*KEY, age.cast("bigint").alias("entry_days"))
    return aged.join(here, on=list(KEY), how="left_semi")


def spells(landmarks: DataFrame, ended: DataFrame, observed_until: dt.date) -> DataFrame:
    """One row per landmark with an observed day after it: entry_days, duration_days, event.

    `landmarks` from `alive`, `ended` from `lapses` or `ends`. The event is the first end after
    as_of within observation (ended_on <= observed_until), dated when it happened; otherwise the row
    is censored at observed_until. duration_days: age at the end, above entry_days. followed_days:
    from as_of to observed_until, with or without an event. known_days: from as_of to the first
    as_of that sees the event; null without an event.
    """
    later = landmarks.join(ended, on="customer_id", how="inner")
    first = (
        later.where(F.col("ended_on") > F.col("as_of"))
        .groupBy(*KEY)
        .agg(F.min("ended_on").alias("ended_on"), F.min("known_on").alias("known_on"))
    )
    until = F.lit(observed_until).cast("date")
    # A plain select after the join: see transforms.labels.
    rows = landmarks.join(first, on=list(KEY), how="left")
    rows = rows.select(*KEY, "entry_days", "ended_on", "known_on")
    counted = rows.select(
        *KEY,
        "entry_days",
        F.datediff(F.col("ended_on"), F.col("as_of")).alias("wait"),
        F.datediff(F.col("known_on"), F.col("as_of")).cast("bigint").alias("known"),
        F.datediff(until, F.col("as_of")).cast("bigint").alias("followed_days"),
    ).where(F.col("followed_days") > 0)
    happened = F.coalesce(F.col("wait") <= F.col("followed_days"), F.lit(False))
    lived = F.when(happened, F.col("wait")).otherwise(F.col("followed_days"))
    return counted.select(
        *KEY,
        "entry_days",
        (F.col("entry_days") + lived).cast("bigint").alias("duration_days"),
        happened.cast("int").alias("event"),
        "followed_days",
        F.when(happened, F.col("known")).alias("known_days"),
    )


def without_ended_before(landmarks: DataFrame, ended: DataFrame) -> DataFrame:
    """One row per landmark of a customer who had not ended by as_of.

    An end that became known only later counts too. For terminations, which happen once: the
    customer could neither stay nor leave.
    """
    over = landmarks.join(ended, on="customer_id", how="inner").where(
        F.col("ended_on") <= F.col("as_of")
    )
    return landmarks.join(over.select(*KEY), on=list(KEY), how="left_anti")


def person_periods(rows: DataFrame, period_days: int, most_periods: int) -> DataFrame:
    """One row per (customer_id, as_of, period) with the customer alive at its start.

    Columns: period_age_days, churned. Periods of period_days follow as_of, numbered from 0. Only
    periods that observation covers completely count, whatever happened in them: keeping the events
    of a truncated period but not its survivors would raise the hazard.
    """
    numbers = F.array(*[F.lit(k) for k in range(most_periods)])
    each = rows.select("*", F.explode(numbers).alias("period"))
    timed = each.select(
        *KEY,
        "entry_days",
        "event",
        "followed_days",
        "period",
        (F.col("duration_days") - F.col("entry_days")).alias("lived"),
        (F.col("period") * period_days).alias("begins"),
        ((F.col("period") + 1) * period_days).alias("over"),
    )
    begun = timed.where(
        (F.col("over") <= F.col("followed_days")) & (F.col("begins") < F.col("lived"))
    )
    happened = (F.col("event") == 1) & (F.col("lived") <= F.col("over"))
    return begun.select(
        *KEY,
        F.col("period").cast("int").alias("period"),
        (F.col("entry_days") + F.col("begins")).cast("bigint").alias("period_age_days"),
        happened.cast("int").alias("churned"),
    )


COVARIATE = "feature_"


def with_covariates(
    features: DataFrame, names: Sequence[str], window_days: int | None = None
) -> DataFrame:
    """One row per (customer_id, as_of) alive (see `alive`): entry_days, feature_<name> as doubles.

    `features` has a row per known customer and as_of with the columns of all feature tables.
    """
    here = alive(features, features, window_days)
    values = [F.col(name).cast("double").alias(COVARIATE + name) for name in names]
    known = features.select(*KEY, *values)
    return here.join(known, on=list(KEY), how="inner")


def seen_by(rows: DataFrame, day: dt.date) -> DataFrame:
    """One row per row of `spells` that began before the day, as known on that day.

    It is censored at the day where the event had not happened yet or was not known.
    """
    began = rows.where(F.col("as_of") < F.lit(day).cast("date"))
    until = F.datediff(F.lit(day).cast("date"), F.col("as_of")).cast("bigint")
    lived = F.col("duration_days") - F.col("entry_days")
    others = [c for c in rows.columns if c not in ("duration_days", "event", "followed_days")]
    was_unseen = F.coalesce(F.col("known_days") > until, F.lit(False))
    stood = F.when(was_unseen, until).otherwise(F.least(lived, until))
    return began.select(
        *others,
        (F.col("entry_days") + stood).alias("duration_days"),
        F.when(was_unseen, 0).otherwise(F.col("event")).alias("event"),
        F.least(F.col("followed_days"), until).alias("followed_days"),
    )


def band_of(feature: str, edges: Sequence[float]) -> Column:
    """Number of edges that the value lies above, as text; "null" for null (as portable.Bands).

    | value | edges 10, 20 |
    |---|---|
    | 10 | 0 |
    | 10.5 | 1 |
    | 21 | 2 |
    | null | "null" |
    """
    above = sum((F.when(F.col(feature) > e, 1).otherwise(0) for e in edges), F.lit(0))
    return F.coalesce(F.when(F.col(feature).isNotNull(), above.cast("string")), F.lit("null"))


def lived_counts(rows: DataFrame, segments: DataFrame) -> DataFrame:
    """One row per (segment, lived_days, event): customers, each from their first landmark.

    `segments` has customer_id, as_of, segment. At most two rows per day of history and segment.
    """
    first = rows.groupBy("customer_id").agg(F.min("as_of").alias("as_of"))
    known = segments.select(*KEY, "segment")
    each = rows.join(first, on=list(KEY), how="left_semi").join(known, on=list(KEY), how="inner")
    lived = (F.col("duration_days") - F.col("entry_days")).cast("int").alias("lived_days")
    counted = each.select("segment", lived, "event")
    return counted.groupBy("segment", "lived_days", "event").agg(F.count("*").alias("customers"))


def event_counts(rows: DataFrame) -> DataFrame:
    """One row: customers (distinct), events. `rows` come from `spells` or `seen_by`."""
    return rows.agg(
        F.countDistinct("customer_id").alias("customers"),
        F.coalesce(F.sum("event"), F.lit(0)).alias("events"),
    )
