"""Gold tables of engagement: who is to be contacted and why, and what came of it."""

from __future__ import annotations

from contracts.silver import CUSTOMER_ID
from contracts.table import Column, Table

_CONTACT_ID = Column(
    "contact_id", "string", "Hash of the key: what a receiver knows a repeated contact by", False
)

OUTBOX = Table(
    name="gold.outbox",
    row="One contact of a customer by a rule in a period, or one approved message of a campaign.",
    key=("customer_id", "rule", "period_on"),
    cluster_by=("customer_id",),
    columns=(
        CUSTOMER_ID,
        Column("rule", "string", "The rule of conf that fired; of a message its campaign", False),
        Column(
            "period_on",
            "date",
            "First day of the rule's period, of a message as_of of its plan: it has one contact",
            False,
        ),
        _CONTACT_ID,
        Column("campaign_id", "string", "Whose message in gold.messages is sent; null: a rule's"),
        Column(
            "triggered_on", "date", "The as_of whose scores rose; of a message its send_on", False
        ),
        Column("from_level", "string", "Risk level at the as_of before; null: a message"),
        Column("to_level", "string", "Risk level at triggered_on; null: a message"),
        Column("action", "string", "offer, survey, support or loyalty", False),
        Column("offer_id", "string", "The offer of conf/offers.yaml; null: none"),
        Column("channel", "string", "file, webhook or email", False),
        Column(
            "is_held_out", "boolean", "True: kept without the offer, to measure the rule by", False
        ),
        Column("expires_on", "date", "Not sent from this day on", False),
    ),
)

OUTBOX_DELIVERIES = Table(
    name="gold.outbox_deliveries",
    row="One contact of the outbox that was tried, and what came of it. No row: still to be sent.",
    key=("contact_id",),
    cluster_by=("customer_id",),
    columns=(
        _CONTACT_ID,
        CUSTOMER_ID,
        Column(
            "status",
            "string",
            "sent, failed (tried again by the next run), dead (given up) or cancelled",
            False,
        ),
        Column("reason", "string", "Why it was not sent, as a code; null: sent"),
        Column("attempts", "bigint", "How often it was tried, over all runs", False),
        Column("last_tried_on", "date", "as_of of the last run that tried", False),
    ),
)

GOLD_ENGAGEMENT = (OUTBOX, OUTBOX_DELIVERIES)
