"""Gold tables of outreach: planned contacts with their reason, and their delivery status."""

from __future__ import annotations

from contracts.silver import CUSTOMER_ID
from contracts.table import Column, Table

_CONTACT_ID = Column(
    "contact_id",
    "string",
    "Hash of the key; the receiver uses it to detect repeated contacts",
    False,
)

OUTBOX = Table(
    name="gold.outbox",
    row="One row per customer, rule and period, or per approved message of a campaign.",
    key=("customer_id", "rule", "period_on"),
    cluster_by=("customer_id",),
    columns=(
        CUSTOMER_ID,
        Column("rule", "string", "Rule in conf that fired; for a message its campaign", False),
        Column(
            "period_on",
            "date",
            "First day of the rule's period; for a message as_of of its plan. A customer has at "
            "most one contact per rule and period",
            False,
        ),
        _CONTACT_ID,
        Column(
            "campaign_id",
            "string",
            "Campaign of the message in gold.messages; null: a contact by a rule",
        ),
        Column(
            "triggered_on", "date", "as_of at which the risk rose; for a message its send_on", False
        ),
        Column("from_level", "string", "Risk level at the previous as_of; null: a message"),
        Column("to_level", "string", "Risk level at triggered_on; null: a message"),
        Column("action", "string", "Action: offer, survey, support or loyalty", False),
        Column("offer_id", "string", "Offer in conf/offers.yaml; null: none"),
        Column("channel", "string", "Delivery channel: file, webhook or email", False),
        Column(
            "is_held_out",
            "boolean",
            "True: control group, not contacted, to measure the effect of the rule",
            False,
        ),
        Column("expires_on", "date", "The contact is not sent on or after this day", False),
    ),
)

OUTBOX_DELIVERIES = Table(
    name="gold.outbox_deliveries",
    row="One row per contact that was attempted or held back, with its status. A contact without "
    "a row is pending.",
    key=("contact_id",),
    cluster_by=("customer_id",),
    columns=(
        _CONTACT_ID,
        CUSTOMER_ID,
        Column(
            "status",
            "string",
            "sent, failed (the next run retries), held_back (sent once the reason is gone), dead "
            "(dead letter, no more retries) or cancelled",
            False,
        ),
        Column(
            "reason",
            "string",
            "Code of the reason why the contact was not sent; null: sent. held_back: "
            "consent_unknown or not_fulfilled (see silver.fulfilments)",
        ),
        Column("attempts", "bigint", "Number of attempts over all runs", False),
        Column(
            "last_tried_on",
            "date",
            "as_of of the last run that attempted delivery; held_back: of the first run with this "
            "reason",
            False,
        ),
    ),
)

GOLD_ENGAGEMENT = (OUTBOX, OUTBOX_DELIVERIES)
