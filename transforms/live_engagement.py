"""gold.engagement_live: the engagement score on the open day, from the sums of single days.

The formula is that of features.behavior. as_of is the day after the open one, so that the events of
the open day so far count.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame, functions as F

from contracts.live import ENGAGEMENT_LIVE, NAMES_APART, OPEN_DAY_FEATURES
from transforms.behavior_features import (
    email_rate,
    recent_tickets,
    with_scores,
    with_zero_counts,
)
from transforms.conform import conform
from transforms.event_sums import EMAILS, minutes_of, units
from transforms.visibility import days_before, visible_from, with_each_as_of
from udfs.engagement import engagement_level, login_frequency

# Days that features.behavior_live keeps before the open day: the score at the end of the day before
# uses 30 days.
KEPT_DAYS = 30
BY = ["customer_id", "as_of"]
# Sums of days whose sum over 30 days is the same.
SUMMED = ("login_days", "page_views", "community_posts", *(f"emails_{what}" for what in EMAILS))


def engagement_live(
    days: DataFrame,
    tickets: DataFrame | None,
    *,
    day: dt.date,
    first_uses: Mapping[str, dt.date],
    engagement: Mapping[str, object],
    levels: Sequence[Mapping[str, Any]],
) -> DataFrame:
    """One row per customer with an event on `day` or in the 30 days before it.

    days: features.behavior_live. tickets: silver.support_tickets; None: the company has no tickets.
    day: the open day. first_uses: product feature -> the day on which any customer first used it.
    levels: of stream.levels in conf.
    """
    both = (day, day + dt.timedelta(days=1))
    counts = day_counts(days, both)
    if tickets is None:
        counts = counts.select("*", F.lit(None).cast("bigint").alias("support_tickets_30d"))
    else:
        counts = counts.join(ticket_counts(tickets, both), on=BY, how="left")
        counts = with_zero_counts(counts, ["support_tickets_30d"])
    known = F.lit(None).cast("bigint")
    for as_of in both:
        number = sum(first < as_of for first in first_uses.values())
        known = F.when(F.col("as_of") == F.lit(as_of).cast("date"), F.lit(number)).otherwise(known)
    counts = counts.select("*", known.alias("known_features"))
    scored = with_scores(
        counts.select(
            "*",
            login_frequency(login_days="login_days_30d", window_days="30").alias(
                "login_frequency_30d"
            ),
            minutes_of("minute_units").alias("usage_minutes_30d"),
            email_rate("opened", 30).alias("email_open_rate_30d"),
            email_rate("replied", 30).alias("email_reply_rate_30d"),
        ),
        engagement,
    )
    level = engagement_level(levels)
    rated = scored.select("*", level(engagement_score="engagement_score").alias("level"))
    return conform(_side_by_side(rated, both).where("updated_at IS NOT NULL"), ENGAGEMENT_LIVE)


def day_counts(days: DataFrame, as_of_dates: Sequence[dt.date]) -> DataFrame:
    """One row per customer and as_of: what the score counts in the 30 days before as_of.

    A customer with an event in the kept days has a row for each as_of.
    """
    first = min(as_of_dates) - dt.timedelta(days=KEPT_DAYS)
    kept = days.where(F.col("day") >= F.lit(first).cast("date")).select(
        *days.columns, F.date_add(F.col("day"), 1).cast("date").alias("visible_from")
    )
    seen = with_each_as_of(kept, as_of_dates)
    seen = seen.select("*", days_before("as_of", "day").alias("days_ago"))
    seen = seen.where(F.col("days_ago") <= 30)
    sums = seen.groupBy(*BY).agg(
        *[F.sum(name).alias(f"{name}_30d") for name in SUMMED],
        F.sum(units("usage_minutes")).alias("minute_units"),
        F.max("last_event_at").alias("last_event_at"),
    )
    names = seen.where(F.col("features") != "").select(
        *BY, F.explode(F.split(F.col("features"), NAMES_APART)).alias("feature")
    )
    used = names.groupBy(*BY).agg(F.countDistinct("feature").alias("features_used_30d"))
    customers = kept.select("customer_id").distinct()
    spine = customers.select(
        "customer_id",
        F.explode(F.array(*[F.lit(d).cast("date") for d in as_of_dates])).alias("as_of"),
    )
    rows = spine.join(sums, on=BY, how="left").join(used, on=BY, how="left")
    counts = [f"{name}_30d" for name in (*SUMMED, "features_used")]
    return with_zero_counts(rows, [*counts, "minute_units"])


def ticket_counts(tickets: DataFrame, as_of_dates: Sequence[dt.date]) -> DataFrame:
    """One row per customer and as_of with a ticket: support_tickets_30d as in features.behavior."""
    rows = tickets.where(F.col("customer_id").isNotNull()).select(
        "customer_id",
        F.col("opened_at").cast("date").alias("day"),
        visible_from("opened_at").alias("visible_from"),
    )
    seen = with_each_as_of(rows, as_of_dates)
    seen = seen.select("*", days_before("as_of", "day").alias("days_ago"))
    return seen.groupBy(*BY).agg(recent_tickets().alias("support_tickets_30d"))


def fallen(rows: DataFrame, levels: Sequence[str]) -> DataFrame:
    """The rows of gold.engagement_live whose level fell since the day before.

    Adds from_level and to_level, which transforms.outbox reads. levels: from the highest to the
    lowest. With levels high, low:

    | level_before | level | fallen |
    |---|---|---|
    | high | low | true |
    | low | low | false |
    | low | high | false |
    | null | low | false |
    """
    fell = _place("level", levels) > _place("level_before", levels)
    return rows.where(fell).select(
        "*", F.col("level_before").alias("from_level"), F.col("level").alias("to_level")
    )


def _place(name: str, levels: Sequence[str]) -> Column:
    place = F.lit(None).cast("int")
    for number, level in enumerate(levels):
        place = F.when(F.col(name) == level, F.lit(number)).otherwise(place)
    return place


def _side_by_side(rated: DataFrame, both: tuple[dt.date, dt.date]) -> DataFrame:
    """One row per customer, from the rows of the day before and of now."""
    before, now = (F.col("as_of") == F.lit(d).cast("date") for d in both)

    def of(moment: Column, column: str) -> Column:
        return F.max(F.when(moment, F.col(column)))

    rows = rated.groupBy("customer_id").agg(
        of(now, "engagement_score").alias("engagement_score"),
        of(now, "engagement_basis").alias("engagement_basis"),
        of(before, "engagement_score").alias("score_before"),
        of(now, "level").alias("level"),
        of(before, "level").alias("level_before"),
        F.max("last_event_at").alias("updated_at"),
        *[of(now, name).alias(name) for name in OPEN_DAY_FEATURES],
    )
    return rows.select(
        "*",
        F.lit(both[0]).cast("date").alias("day"),
        (F.col("engagement_score") - F.col("score_before")).alias("change_1d"),
    )
