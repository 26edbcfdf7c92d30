"""Tables that stream_events writes: the open day, engagement now, and the log of micro-batches."""

from __future__ import annotations

from contracts.features import BEHAVIOR
from contracts.silver import CUSTOMER_ID
from contracts.table import Column, Table

# Features of features.behavior at the day after the open one. The sums of single days give them
# exactly, but not sessions_30d (a session may last over midnight), nor what counts 90 days.
OPEN_DAY_FEATURES = (
    "login_frequency_30d",
    "usage_minutes_30d",
    "page_views_30d",
    "features_used_30d",
    "feature_usage_score",
    "community_posts_30d",
    "community_participation",
    "email_open_rate_30d",
    "email_reply_rate_30d",
    "support_tickets_30d",
    "support_interactions_30d",
)

# Separates the names in `features`: a control character, so that no name contains it.
NAMES_APART = "\x1f"

BEHAVIOR_LIVE = Table(
    name="features.behavior_live",
    row="One row per customer and day with an event, for the open day and the 30 days before it.",
    key=("customer_id", "day"),
    slice_by="day",
    cluster_by=("day",),
    columns=(
        CUSTOMER_ID,
        Column("day", "date", "Day of the events, in the zone of the business day", False),
        Column("events", "bigint", "Events of the day", False),
        Column("login_days", "bigint", "1: the customer logged in on the day; else 0", False),
        Column("sessions", "bigint", "Distinct sessions of the day", False),
        Column("usage_minutes", "double", "Minutes of use; null: no event has a duration"),
        Column("features_used", "bigint", "Distinct product features used on the day", False),
        Column(
            "features",
            "string",
            "Their names, sorted, separated by the character U+001F; empty: none",
            False,
        ),
        Column("page_views", "bigint", "Page views of the day", False),
        Column("community_posts", "bigint", "Community posts of the day", False),
        Column("emails_sent", "bigint", "E-mails sent to the customer on the day", False),
        Column("emails_opened", "bigint", "E-mails opened on the day", False),
        Column("emails_replied", "bigint", "E-mails replied to on the day", False),
        Column("last_event_at", "timestamp", "Last event of the day (UTC)", False),
    ),
)

ENGAGEMENT_LIVE = Table(
    name="gold.engagement_live",
    row="One row per customer with an event on the open day or in the 30 days before it.",
    key=("customer_id",),
    slice_by="day",
    columns=(
        CUSTOMER_ID,
        Column("day", "date", "The open day: that of the newest event of all customers", False),
        Column(
            "engagement_score",
            "double",
            "engagement_score as in features.behavior, with the events of the open day so far, "
            "0 to 1; null: no component is known",
        ),
        Column("engagement_basis", "string", "Components used in engagement_score; null: none"),
        Column(
            "change_1d",
            "double",
            "engagement_score minus its value at the end of the day before; null: one is unknown",
        ),
        Column("level", "string", "Level of the score by stream.levels in conf; null: none"),
        Column("level_before", "string", "Level at the end of the day before; null: none"),
        Column("updated_at", "timestamp", "Last event of the customer (UTC)", False),
        *map(BEHAVIOR.column, OPEN_DAY_FEATURES),
    ),
)

STREAM_LOG = Table(
    name="bronze.stream_log",
    row="One row per micro-batch that stream_events has written completely.",
    key=("source", "batch_id"),
    slice_by="batch_id",
    columns=(
        Column("source", "string", "Name of the source in conf", False),
        Column(
            "batch_id",
            "string",
            "Identifier of the micro-batch: source, checkpoint and number",
            False,
        ),
        Column("number", "bigint", "Number of the micro-batch in its checkpoint", False),
        Column("started_at", "timestamp", "When the micro-batch started (UTC)", False),
        Column("rows_in", "bigint", "Rows read", False),
        Column("rows_kept", "bigint", "Rows written to silver", False),
        Column("rows_duplicate", "bigint", "Duplicates dropped", False),
        Column("rows_late", "bigint", "Rows quarantined as late", False),
        Column("rows_quarantined", "bigint", "Rows quarantined for another reason", False),
        Column(
            "rows_left_out",
            "bigint",
            "Rows left out by the source's `where`, and rows of erased customers",
            False,
        ),
        Column("contacts", "bigint", "Contacts added to gold.outbox", False),
        Column(
            "newest_event_at",
            "timestamp",
            "Newest event of this and all earlier micro-batches (UTC); null: none was kept yet",
        ),
        Column(
            "watermark_at",
            "timestamp",
            "Events before this time were late (UTC); null: there was no watermark yet",
        ),
        Column(
            "watermark_delay_seconds",
            "double",
            "Seconds from the watermark to the arrival of the newest row; null: no watermark",
        ),
        Column("duration_seconds", "double", "Seconds until the tables were written", False),
        Column(
            "backlog",
            "bigint",
            "Messages in Kafka that no micro-batch had read yet; null: unknown, or files",
        ),
    ),
)
