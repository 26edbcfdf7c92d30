"""features.behavior: logins, usage, e-mail, community, support, reviews and campaigns by as_of.

Features of a source that the company does not have are null. For a source that it has, a customer
without events gets a count of zero.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from pyspark.sql import Column, DataFrame, functions as F

from contracts.features import BEHAVIOR
from contracts.silver import REASONS
from transforms.complaint_texts import review_complaints
from transforms.conform import conform
from transforms.event_sums import (
    EMAILS,
    UNIT,
    event_rows,
    first_uses,
    known_features,
    measure,
    minutes_of,
    units,
)
from transforms.reasons import reason_of_category
from transforms.visibility import days_before, visible_from, with_each_as_of
from udfs.engagement import capped_share, engagement_basis, engagement_score, login_frequency

Summary = Callable[[DataFrame, Sequence[dt.date]], tuple[DataFrame, list[str]]]

# Measures of events over 30 days.
IN_A_MONTH = ("login_days", "sessions", "features_used", "page_views", "community_posts")
EVENTS, TICKETS = "silver.engagement_events", "silver.support_tickets"
REVIEWS = "silver.reviews"
CONTACTS, REDEMPTIONS = "silver.campaign_contacts", "silver.offer_redemptions"


def behavior_features(
    silver: Mapping[str, DataFrame],
    spine: DataFrame,
    as_of_dates: Sequence[dt.date],
    *,
    engagement: Mapping[str, object],
    categories: Mapping[str, str],
) -> DataFrame:
    """One row per (customer_id, as_of) of the spine. `silver` holds only the sources that exist.

    `categories` maps a ticket category to the reason that it expresses.
    """
    rows = spine
    summaries: dict[str, Summary] = {
        **SUMMARIES,
        TICKETS: partial(ticket_summary, categories=categories),
    }
    for name, summarise in summaries.items():
        if name in silver:
            part, counts = summarise(silver[name], as_of_dates)
            rows = rows.join(part, on=["customer_id", "as_of"], how="left")
            rows = with_zero_counts(rows, counts)
    if REVIEWS in silver and TICKETS in silver:
        part, counts = review_complaints(
            silver[REVIEWS], silver[TICKETS], as_of_dates, categories=categories
        )
        rows = rows.join(part, on=["customer_id", "as_of"], how="left")
        rows = with_zero_counts(rows, counts)
    if EVENTS in silver:
        rows = with_known_features(rows, silver[EVENTS], as_of_dates)
    return conform(with_scores(with_absent(rows), engagement), BEHAVIOR)


def event_summary(events: DataFrame, as_of_dates: Sequence[dt.date]) -> tuple[DataFrame, list[str]]:
    """One row per (customer_id, as_of) with an event within 90 days; and its count columns."""
    seen = _recent(with_each_as_of(event_rows(events), as_of_dates), 90)
    month = F.col("days_ago") <= 30
    summary = seen.groupBy("customer_id", "as_of").agg(
        *[measure(name, month).alias(f"{name}_30d") for name in IN_A_MONTH],
        measure("minute_units", month).alias("minute_units"),
        *[
            measure(f"emails_{what}", F.col("days_ago") <= days).alias(f"emails_{what}_{days}d")
            for what in EMAILS
            for days in (30, 90)
        ],
    )
    return summary, [c for c in summary.columns if c not in ("customer_id", "as_of")]


def ticket_summary(
    tickets: DataFrame, as_of_dates: Sequence[dt.date], categories: Mapping[str, str]
) -> tuple[DataFrame, list[str]]:
    """One row per (customer_id, as_of) with a ticket; later resolutions are not visible."""
    complaints = {f"complaints_{reason}": reason for reason in REASONS}
    rows = tickets.where(F.col("customer_id").isNotNull()).select(
        "customer_id",
        F.col("opened_at").cast("date").alias("day"),
        visible_from("opened_at").alias("visible_from"),
        "opened_at",
        "resolved_at",
        reason_of_category(categories).alias("reason"),
        units("sentiment").alias("sentiment"),
        "sentiment_basis",
    )
    seen = with_each_as_of(rows, as_of_dates)
    seen = seen.select("*", days_before("as_of", "day").alias("days_ago"))
    resolved = F.col("resolved_at") < F.col("as_of").cast("timestamp")
    seconds = F.unix_timestamp(F.col("resolved_at").cast("timestamp")) - F.unix_timestamp(
        F.col("opened_at").cast("timestamp")
    )
    seen = seen.select("*", F.when(resolved, seconds).alias("seconds_to_resolve"))
    summary = seen.groupBy("customer_id", "as_of").agg(
        recent_tickets().alias("support_tickets_30d"),
        (F.count("seconds_to_resolve").cast("double") / F.count("*")).alias(
            "tickets_resolved_share"
        ),
        (F.median("seconds_to_resolve") / 3600.0).alias("hours_to_resolve_median"),
        F.min("days_ago").alias("days_since_ticket"),
        *[
            F.count(F.when(F.col("reason") == reason, 1)).alias(name)
            for name, reason in complaints.items()
        ],
        *_sentiment("ticket"),
    )
    return summary, ["support_tickets_30d", *complaints]


def recent_tickets() -> Column:
    """Tickets of the last 30 days, of rows with days_ago."""
    return F.sum((F.col("days_ago") <= 30).cast("int"))


def review_summary(
    reviews: DataFrame, as_of_dates: Sequence[dt.date]
) -> tuple[DataFrame, list[str]]:
    """One row per (customer_id, as_of) with a review."""
    rows = reviews.select(
        "customer_id",
        F.col("reviewed_at").cast("date").alias("day"),
        visible_from("reviewed_at").alias("visible_from"),
        units("sentiment").alias("sentiment"),
        "sentiment_basis",
        units("stars").alias("stars"),
    )
    seen = with_each_as_of(rows, as_of_dates)
    seen = seen.select("*", days_before("as_of", "day").alias("days_ago"))
    summary = seen.groupBy("customer_id", "as_of").agg(
        _mean("stars").alias("review_stars_mean"), *_sentiment("review")
    )
    return summary, []


def contact_summary(
    contacts: DataFrame, as_of_dates: Sequence[dt.date]
) -> tuple[DataFrame, list[str]]:
    """One row per (customer_id, as_of) that a campaign reached within 90 days."""
    treated = contacts.where(F.coalesce(F.col("is_treated"), F.lit(True))).select(
        "customer_id",
        F.col("contacted_at").cast("date").alias("day"),
        visible_from("contacted_at").alias("visible_from"),
    )
    seen = _recent(with_each_as_of(treated, as_of_dates), 90)
    summary = seen.groupBy("customer_id", "as_of").agg(F.count("*").alias("campaign_contacts_90d"))
    return summary, ["campaign_contacts_90d"]


def redemption_summary(
    redemptions: DataFrame, as_of_dates: Sequence[dt.date]
) -> tuple[DataFrame, list[str]]:
    """One row per (customer_id, as_of) with a redemption."""
    rows = redemptions.select(
        "customer_id",
        F.col("redeemed_at").cast("date").alias("day"),
        visible_from("redeemed_at").alias("visible_from"),
    )
    seen = with_each_as_of(rows, as_of_dates)
    seen = seen.select("*", days_before("as_of", "day").alias("days_ago"))
    summary = seen.groupBy("customer_id", "as_of").agg(
        F.sum((F.col("days_ago") <= 90).cast("int")).alias("redemptions_90d"),
        F.min("days_ago").alias("days_since_redemption"),
    )
    return summary, ["redemptions_90d"]


SUMMARIES: dict[str, Summary] = {
    EVENTS: event_summary,
    REVIEWS: review_summary,
    CONTACTS: contact_summary,
    REDEMPTIONS: redemption_summary,
}


def with_known_features(
    rows: DataFrame, events: DataFrame, as_of_dates: Sequence[dt.date]
) -> DataFrame:
    """Add known_features: the number of product features that any customer had used by as_of."""
    known = known_features(first_uses(events), as_of_dates)
    return rows.join(known, on="as_of", how="left")


def with_zero_counts(rows: DataFrame, counts: Sequence[str]) -> DataFrame:
    """Replace null with zero in the counts of a source that exists."""
    kept = [c for c in rows.columns if c not in counts]
    return rows.select(*kept, *[F.coalesce(F.col(c), F.lit(0)).alias(c) for c in counts])


def with_absent(rows: DataFrame) -> DataFrame:
    """Add null columns for the sources that are absent, and the ratios of those that exist."""
    raw = ["login_days_30d", "minute_units", "known_features"]
    raw += [f"emails_{what}_{days}d" for what in EMAILS for days in (30, 90)]
    missing = [c for c in raw if c not in rows.columns]
    rows = rows.select("*", *[F.lit(None).cast("double").alias(c) for c in missing])
    rows = rows.select(
        "*",
        login_frequency(login_days="login_days_30d", window_days="30").alias("login_frequency_30d"),
        minutes_of("minute_units").alias("usage_minutes_30d"),
        *[
            email_rate(what, days).alias(f"email_{rate}_rate_{days}d")
            for what, rate in (("opened", "open"), ("replied", "reply"))
            for days in (30, 90)
        ],
    )
    late = ("feature_usage_score", "community_participation", "support_interactions_30d")
    derived = (*late, "engagement_score", "engagement_basis")
    absent = [c for c in BEHAVIOR.columns if c.name not in (*rows.columns, *derived)]
    return rows.select("*", *[F.lit(None).cast(c.type).alias(c.name) for c in absent])


def email_rate(what: str, days: int) -> Column:
    """Opened or replied / sent in so many days, at most 1; null: none sent."""
    sent = F.col(f"emails_sent_{days}d")
    share = F.least(F.col(f"emails_{what}_{days}d") / sent, F.lit(1.0))
    return F.when(sent > 0, share)


def with_scores(rows: DataFrame, engagement: Mapping[str, object]) -> DataFrame:
    """Add the engagement components and their weighted mean."""
    weights: Mapping[str, float] = engagement["weights"]  # type: ignore[assignment]
    capped = capped_share(engagement["cap"])  # type: ignore[arg-type]
    rows = rows.select(
        "*",
        F.when(
            F.col("known_features") > 0,
            F.least(F.col("features_used_30d") / F.col("known_features"), F.lit(1.0)),
        ).alias("feature_usage_score"),
        capped(events="community_posts_30d").alias("community_participation"),
        capped(events="support_tickets_30d").alias("support_interactions_30d"),
    )
    names = {name: name for name in weights}
    return rows.select(
        "*",
        engagement_score(weights)(**names).alias("engagement_score"),
        engagement_basis(weights)(**names).alias("engagement_basis"),
    )


def _recent(rows: DataFrame, days: int) -> DataFrame:
    counted = rows.select("*", days_before("as_of", "day").alias("days_ago"))
    return counted.where(F.col("days_ago") <= days)


def _mean(column: str, only: Column | None = None) -> Column:
    value = F.col(column) if only is None else F.when(only, F.col(column))
    return F.when(F.count(value) > 0, F.sum(value).cast("double") / F.count(value) / float(UNIT))


def _sentiment(of: str) -> list[Column]:
    recent = F.col("days_ago") <= 90
    return [
        _mean("sentiment").alias(f"{of}_sentiment_mean"),
        (F.min("sentiment").cast("double") / float(UNIT)).alias(f"{of}_sentiment_worst"),
        (_mean("sentiment", recent) - _mean("sentiment", ~recent)).alias(f"{of}_sentiment_trend"),
        F.min("sentiment_basis").alias(f"{of}_sentiment_basis"),
    ]
