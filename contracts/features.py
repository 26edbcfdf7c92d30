"""Feature tables: one row per customer and as_of, from data known before 00:00 of that day."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.silver import ATTRIBUTES, CUSTOMER_ID, REASONS
from contracts.table import Column, Table

AS_OF = Column("as_of", "date", "Features use events before 00:00 of this day", False)
_KEY = ("customer_id", "as_of")


def _table(name: str, row: str, columns: tuple[Column, ...]) -> Table:
    return Table(
        name=f"features.{name}",
        row=row,
        key=_KEY,
        slice_by="as_of",
        columns=(CUSTOMER_ID, AS_OF, *columns),
        cluster_by=_KEY,
    )


DEMOGRAPHICS = _table(
    "demographics",
    "One row per known customer and as_of, with the attributes that were valid at as_of.",
    (
        Column(
            "has_profile",
            "boolean",
            "False: no source had a profile of the customer at as_of",
            False,
        ),
        Column("is_terminated", "boolean", "True: the contract ended before as_of", False),
        *(
            Column(c.name, "double" if c.type.startswith("decimal") else c.type, c.comment)
            for c in ATTRIBUTES
        ),
    ),
)

# The profile of a customer. When a company learned these values is often unknown, see
# training.dated_attributes in conf.
PROFILE_FEATURES = ("has_profile", *(a.name for a in ATTRIBUTES))


def _windowed(windows: Sequence[int]) -> tuple[Column, ...]:
    columns: list[Column] = []
    for days in windows:
        span = f"in the {days} days before as_of"
        columns += [
            Column(f"purchases_{days}d", "bigint", f"Purchases (orders) {span}"),
            Column(f"revenue_{days}d", "double", f"Net revenue {span}, currency"),
            Column(f"products_{days}d", "bigint", f"Distinct products {span}"),
            Column(f"discounts_{days}d", "bigint", f"Lines with a discount {span}"),
            Column(
                f"mean_basket_{days}d",
                "double",
                f"Net revenue per purchase {span}; null: no purchase",
            ),
        ]
    return tuple(columns)


def transactions(windows: Sequence[int]) -> Table:
    """The contract of features.transactions for the windows in conf (days)."""
    return _table(
        "transactions",
        "One row per known customer and as_of, with their purchases. Without a purchase, counts "
        "are 0.",
        (
            Column("first_purchase_on", "date", "Day of the first purchase; null: no purchase"),
            Column("last_purchase_on", "date", "Day of the last purchase; null: no purchase"),
            Column(
                "recency_days",
                "bigint",
                "Days from the last purchase day to as_of, >= 1; null: no purchase",
            ),
            Column(
                "tenure_days", "bigint", "Days since signup, else first purchase; null: neither"
            ),
            Column(
                "tenure_months",
                "bigint",
                "Whole months since signup, else first purchase; null: neither",
            ),
            Column("total_orders", "bigint", "Purchases (orders) before as_of"),
            Column("total_revenue", "double", "Net revenue before as_of, currency"),
            Column("avg_order_value", "double", "total_revenue / greatest(total_orders, 1)"),
            Column("purchase_days", "bigint", "Days with a purchase before as_of"),
            Column(
                "repeat_purchase_days", "bigint", "BTYD frequency: purchase days after the first"
            ),
            Column(
                "active_span_days",
                "bigint",
                "BTYD recency: days from first to last purchase; null: no purchase",
            ),
            Column("observed_days", "bigint", "BTYD T: days from the first purchase to as_of - 1"),
            Column(
                "repeat_day_value",
                "double",
                "BTYD monetary value: mean revenue of the repeat days, currency; null: no repeat "
                "day",
            ),
            Column(
                "gap_mean_days",
                "double",
                "Mean gap between purchase days; null: fewer than two days",
            ),
            Column(
                "gap_std_days",
                "double",
                "Sample standard deviation of the gaps; null: fewer than three days",
            ),
            Column(
                "gap_longest_days",
                "bigint",
                "Longest gap between purchase days; null: fewer than two days",
            ),
            Column(
                "recency_over_gap",
                "double",
                "recency_days / gap_mean_days; null: fewer than two days",
            ),
            Column(
                "weekend_share",
                "double",
                "Share of purchases on Saturday or Sunday; null: no purchase",
            ),
            Column("product_variety", "bigint", "Distinct products before as_of"),
            Column(
                "returns_90d", "bigint", "Lines with a negative amount in the 90 days before as_of"
            ),
            Column(
                "purchase_frequency_30d", "double", "Purchases per day in the 30 days before as_of"
            ),
            Column(
                "purchase_frequency_90d", "double", "Purchases per day in the 90 days before as_of"
            ),
            Column(
                "revenue_trend",
                "double",
                "Relative change of 30-day revenue from the 30 days before",
            ),
            *_windowed(windows),
        ),
    )


BEHAVIOR = _table(
    "behavior",
    "One row per known customer and as_of, with their behavior except purchases. Null: no source "
    "has the data.",
    (
        Column("login_frequency_30d", "double", "Distinct login days in 30 days / 30"),
        Column("sessions_30d", "bigint", "Distinct sessions in 30 days"),
        Column("usage_minutes_30d", "double", "Minutes of product use in 30 days"),
        Column("page_views_30d", "bigint", "Page views in 30 days"),
        Column("features_used_30d", "bigint", "Distinct features of the product used in 30 days"),
        Column(
            "feature_usage_score",
            "double",
            "Share of the known product features that were used in 30 days",
        ),
        Column("community_posts_30d", "bigint", "Community posts in 30 days"),
        Column("community_participation", "double", "Posts in 30 days / cap in conf, at most 1"),
        Column("emails_sent_90d", "bigint", "E-mails sent in 90 days"),
        Column(
            "email_open_rate_30d", "double", "Opened / sent in 30 days, at most 1; null: none sent"
        ),
        Column(
            "email_open_rate_90d", "double", "Opened / sent in 90 days, at most 1; null: none sent"
        ),
        Column(
            "email_reply_rate_30d",
            "double",
            "Replied / sent in 30 days, at most 1; null: none sent",
        ),
        Column(
            "email_reply_rate_90d",
            "double",
            "Replied / sent in 90 days, at most 1; null: none sent",
        ),
        Column("support_tickets_30d", "bigint", "Tickets opened in 30 days"),
        Column("support_interactions_30d", "double", "Tickets in 30 days / cap in conf, at most 1"),
        Column(
            "tickets_resolved_share",
            "double",
            "Share of tickets that are resolved; null: no ticket",
        ),
        Column(
            "hours_to_resolve_median",
            "double",
            "Median hours to resolve a ticket; null: none resolved",
        ),
        Column("days_since_ticket", "bigint", "Days since the last ticket; null: no ticket"),
        *(
            Column(
                f"complaints_{reason}",
                "bigint",
                f"Tickets before as_of whose category means {reason}",
            )
            for reason in REASONS
        ),
        Column(
            "ticket_sentiment_mean",
            "double",
            "Mean sentiment of tickets, -1 to 1; null: see its basis",
        ),
        Column("ticket_sentiment_worst", "double", "Lowest sentiment of tickets, -1 to 1"),
        Column(
            "ticket_sentiment_trend",
            "double",
            "Mean of the last 90 days minus the mean before; null: no text in one of them",
        ),
        Column(
            "ticket_sentiment_basis",
            "string",
            "How the sentiment of tickets came to be: lexicon or claude; or why there is none: "
            "unknown_language, without_text; null: no ticket",
        ),
        Column(
            "review_sentiment_mean",
            "double",
            "Mean sentiment of reviews, -1 to 1; null: see its basis",
        ),
        Column("review_sentiment_worst", "double", "Lowest sentiment of reviews, -1 to 1"),
        Column(
            "review_sentiment_trend",
            "double",
            "Mean of the last 90 days minus the mean before; null: no text in one of them",
        ),
        Column(
            "review_sentiment_basis",
            "string",
            "How the sentiment of reviews came to be: lexicon or claude; or why there is none: "
            "unknown_language, without_text; null: no review",
        ),
        Column("review_stars_mean", "double", "Mean stars of reviews; null: no stars"),
        *(
            Column(
                f"bad_reviews_{reason}",
                "bigint",
                f"Reviews before as_of with at most 3 stars, classified as {reason}",
            )
            for reason in REASONS
        ),
        Column("campaign_contacts_90d", "bigint", "Campaign contacts with the customer in 90 days"),
        Column("redemptions_90d", "bigint", "Offers redeemed in 90 days"),
        Column(
            "days_since_redemption", "bigint", "Days since the last redemption; null: no redemption"
        ),
        Column(
            "engagement_score",
            "double",
            "Weighted mean of the available components, 0 to 1; null: none",
        ),
        Column("engagement_basis", "string", "Components used in engagement_score; null: none"),
    ),
)

LABELS = Table(
    name="features.labels",
    row="One row per customer with a purchase before as_of, as_of and horizon. The horizon has "
    "passed.",
    key=("customer_id", "as_of", "horizon_days"),
    slice_by="as_of",
    cluster_by=_KEY,
    columns=(
        CUSTOMER_ID,
        AS_OF,
        Column("horizon_days", "int", "Length of the horizon in days", False),
        Column("lead_days", "int", "Days between as_of and the start of the horizon", False),
        Column("definition", "string", "Definition of churn: inactivity or termination", False),
        Column(
            "churned",
            "int",
            "1: no purchase (inactivity) or a termination in [as_of + lead, as_of + lead + "
            "horizon), else 0",
            False,
        ),
    ),
)

# Inputs of models and scores: all feature tables except the labels.
FEATURE_TABLES = ("features.behavior", "features.demographics", "features.transactions")
