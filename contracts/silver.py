"""Silver: typed, deduplicated, quality-checked. Every table carries where a row came from."""

from __future__ import annotations

from contracts.rules import in_order, in_range, not_before, not_future, not_null, one_of, text_rules
from contracts.table import Column, Rule, Table

LINEAGE = (
    Column(
        "known_at",
        "timestamp",
        "When the row counts as known (UTC); features see it from then on",
        False,
    ),
    Column("source", "string", "Name of the source in conf", False),
    Column("batch_id", "string", "The file that the row came with", False),
    Column(
        "content_hash",
        "bigint",
        "Hash of the declared columns; equal hash and key: exact duplicate",
        False,
    ),
    Column(
        "warnings",
        "string",
        "Names of the warning rules that the row broke, parted by ', '; null: none",
    ),
)

VALIDITY = ("valid_from", "valid_to")


def mapped_columns(table: Table) -> tuple[Column, ...]:
    """The columns that a source's mapping gives; ingest sets lineage and validity."""
    set_by_ingest = {*VALIDITY, *(c.name for c in LINEAGE)}
    return tuple(c for c in table.columns if c.name not in set_by_ingest)


def _silver(
    name: str,
    row: str,
    columns: tuple[Column, ...],
    rules: tuple[Rule, ...],
    event_time: str | None,
    references: tuple[tuple[str, str, str], ...] = (
        ("customer_id", "silver.customers", "customer_id"),
    ),
) -> Table:
    return Table(
        name=f"silver.{name}",
        row=row,
        columns=(*columns, *LINEAGE),
        slice_by="batch_id",
        rules=(*rules, *text_rules(columns)),
        references=references,
        event_time=event_time,
        cluster_by=("customer_id",),
    )


CUSTOMER_ID = Column("customer_id", "string", "The customer, as the company names them", False)

ATTRIBUTES = (
    Column("age_band", "string", "Age band as the source gives it"),
    Column("gender", "string", "Gender as the source gives it"),
    Column("income_band", "string", "Income band as the source gives it"),
    Column("home_ownership", "string", "Owner, renter, ..."),
    Column("marital_status", "string", "Marital status as the source gives it"),
    Column("household_size", "string", "Persons in the household, as the source gives it"),
    Column("household_composition", "string", "Composition of the household"),
    Column("kids_count", "string", "Children in the household, as the source gives it"),
    Column("region", "string", "Region or country"),
    Column("plan", "string", "Plan or tariff"),
    Column("contract_type", "string", "Month-to-month, one year, ..."),
    Column("acquisition_channel", "string", "How the customer was won"),
    Column("monthly_charge", "decimal(18,2)", "Contract price a month, in the company's currency"),
)

_CUSTOMER_COLUMNS = (
    CUSTOMER_ID,
    Column("first_name", "string", "First name, for messages", personal=True),
    Column("email", "string", "E-mail address", personal=True),
    Column("language", "string", "Language for messages, as ISO 639-1"),
    Column("signup_on", "date", "Day of signing up; null: unknown, the first purchase stands in"),
    Column(
        "is_opted_out", "boolean", "True: must not be contacted; null: unknown, may be contacted"
    ),
    *ATTRIBUTES,
)

CUSTOMERS = Table(
    name="silver.customers",
    row="One version of a customer's attributes, valid over [valid_from, valid_to).",
    columns=(
        *_CUSTOMER_COLUMNS,
        Column("valid_from", "timestamp", "From when this version was known (UTC)", False),
        Column("valid_to", "timestamp", "When the next version was known (UTC); null: still valid"),
        *LINEAGE,
    ),
    key=("customer_id", "valid_from"),
    rules=(
        not_null("customer_id"),
        in_range("monthly_charge", 0),
        *text_rules(_CUSTOMER_COLUMNS),
    ),
    cluster_by=("customer_id",),
)

TRANSACTIONS = _silver(
    "transactions",
    "One line of an order (or an order, where the source has no lines); negative: a return.",
    (
        CUSTOMER_ID,
        Column("order_id", "string", "The order (basket) that the line belongs to", False),
        Column("product_id", "string", "The product; null where the source has orders only"),
        Column("purchased_at", "timestamp", "When (UTC)", False),
        Column("quantity", "decimal(18,3)", "Units sold; null: unknown"),
        Column("amount", "decimal(18,2)", "What the customer paid; negative: a return", False),
        Column("discount", "decimal(18,2)", "What was taken off the price, >= 0; null: unknown"),
    ),
    (
        not_null("customer_id"),
        not_null("order_id"),
        not_null("purchased_at"),
        not_null("amount"),
        not_before("purchased_at"),
        not_future("purchased_at"),
        in_range("amount", -1_000_000, 1_000_000),
        in_range("quantity", -1_000_000, 1_000_000),
        in_range("discount", 0),
        Rule("amount_is_zero", "amount <> 0", ("amount",), "warn", "a line of no value"),
        Rule("amount_is_negative", "amount >= 0", ("amount",), "warn", "a return"),
        Rule("quantity_is_zero", "quantity <> 0", ("quantity",), "warn", "a line of no units"),
        Rule("quantity_is_high", "quantity <= 100", ("quantity",), "warn", "over 100 units"),
    ),
    "purchased_at",
)

SUPPORT_TICKETS = _silver(
    "support_tickets",
    "One support ticket. A ticket without a customer is kept, with a warning.",
    (
        Column("ticket_id", "string", "The ticket", False),
        Column("customer_id", "string", "The customer; null: nobody could be told"),
        Column("opened_at", "timestamp", "When it was opened (UTC)", False),
        Column(
            "resolved_at", "timestamp", "When it was resolved (UTC); null: open as far as known"
        ),
        Column("category", "string", "Category as the source gives it"),
        Column("text", "string", "What the customer wrote", personal=True, is_free_text=True),
    ),
    (
        not_null("ticket_id"),
        not_null("opened_at"),
        not_before("opened_at"),
        not_future("opened_at"),
        in_order("opened_at", "resolved_at"),
        not_null("customer_id").as_warning(),
    ),
    "opened_at",
)

ENGAGEMENT_KINDS = (
    "login",
    "feature_use",
    "email_sent",
    "email_opened",
    "email_replied",
    "community_post",
    "page_view",
)

ENGAGEMENT_EVENTS = _silver(
    "engagement_events",
    "One thing that a customer did, or an e-mail sent to them.",
    (
        CUSTOMER_ID,
        Column("event_id", "string", "The event; null where the source has no id"),
        Column("kind", "string", f"One of {', '.join(ENGAGEMENT_KINDS)}", False),
        Column("occurred_at", "timestamp", "When (UTC)", False),
        Column(
            "feature", "string", "Which feature of the product; null unless kind is feature_use"
        ),
        Column("duration_minutes", "double", "How long, minutes; null: not measured"),
        Column("session_id", "string", "The session; null: unknown"),
    ),
    (
        not_null("customer_id"),
        not_null("kind"),
        not_null("occurred_at"),
        one_of("kind", ENGAGEMENT_KINDS),
        not_before("occurred_at"),
        not_future("occurred_at"),
        in_range("duration_minutes", 0, 1440),
    ),
    "occurred_at",
)

REVIEWS = _silver(
    "reviews",
    "One review that a customer wrote.",
    (
        CUSTOMER_ID,
        Column("review_id", "string", "The review; null where the source has no id"),
        Column("reviewed_at", "timestamp", "When (UTC)", False),
        Column("stars", "double", "Stars, 1 to 5; null: none given"),
        Column("text", "string", "What the customer wrote", personal=True, is_free_text=True),
    ),
    (
        not_null("customer_id"),
        not_null("reviewed_at"),
        not_before("reviewed_at"),
        not_future("reviewed_at"),
        in_range("stars", 1, 5),
    ),
    "reviewed_at",
)

CAMPAIGN_CONTACTS = _silver(
    "campaign_contacts",
    "One customer who was sent (or, in the hold-out, deliberately not sent) a campaign's offer.",
    (
        CUSTOMER_ID,
        Column("campaign_id", "string", "The campaign", False),
        Column("offer_id", "string", "The offer, or the kind of campaign; null: unknown"),
        Column("contacted_at", "timestamp", "When the campaign reached them (UTC)", False),
        Column("ends_at", "timestamp", "When the offer ended (UTC); null: open"),
        Column("is_treated", "boolean", "False: held out; null counts as treated"),
        Column("is_randomised", "boolean", "True: chosen at random; false or null: targeted"),
    ),
    (
        not_null("customer_id"),
        not_null("campaign_id"),
        not_null("contacted_at"),
        not_before("contacted_at"),
        not_future("contacted_at"),
    ),
    "contacted_at",
)

OFFER_REDEMPTIONS = _silver(
    "offer_redemptions",
    "One redemption of an offer or coupon.",
    (
        CUSTOMER_ID,
        Column("campaign_id", "string", "The campaign; null: unknown"),
        Column("offer_id", "string", "The offer or coupon"),
        Column("redeemed_at", "timestamp", "When (UTC)", False),
        Column("discount", "decimal(18,2)", "What it took off the price; null: unknown"),
    ),
    (
        not_null("customer_id"),
        not_null("redeemed_at"),
        not_before("redeemed_at"),
        not_future("redeemed_at"),
        in_range("discount", 0),
    ),
    "redeemed_at",
)

REASONS = ("price", "features", "competitor", "quality", "support")

EXIT_SURVEYS = _silver(
    "exit_surveys",
    "One reason that a leaving customer named.",
    (
        CUSTOMER_ID,
        Column("answered_at", "timestamp", "When (UTC)", False),
        Column("reason", "string", f"One of {', '.join(REASONS)}", False),
        Column("text", "string", "What the customer wrote", personal=True, is_free_text=True),
    ),
    (
        not_null("customer_id"),
        not_null("answered_at"),
        not_null("reason"),
        one_of("reason", REASONS),
        not_before("answered_at"),
        not_future("answered_at"),
    ),
    "answered_at",
)

TERMINATIONS = _silver(
    "terminations",
    "One end of a customer's contract.",
    (
        CUSTOMER_ID,
        Column("terminated_at", "timestamp", "When the contract ended (UTC)", False),
    ),
    (
        not_null("customer_id"),
        not_null("terminated_at"),
        not_before("terminated_at"),
        not_future("terminated_at"),
    ),
    "terminated_at",
)

QUARANTINE = Table(
    name="silver.quarantine",
    row="One row that broke a rejecting rule; whole, with its reasons, until it is replayed.",
    key=("source", "batch_id", "row_id"),
    slice_by="batch_id",
    columns=(
        Column("source", "string", "Name of the source in conf", False),
        Column("batch_id", "string", "The file that the row came with", False),
        Column("row_id", "string", "Hash of the row and, for equal rows, a running number", False),
        Column("row", "string", "The row as it came, as JSON", personal=True, is_free_text=True),
        Column("reasons", "string", "Names of the rules that it broke, parted by ', '", False),
        Column("known_at", "timestamp", "When the row reached us (UTC)", False),
        Column("is_replayed", "boolean", "True: a later replay moved it to its table", False),
    ),
)

SILVER = (
    CUSTOMERS,
    TRANSACTIONS,
    SUPPORT_TICKETS,
    ENGAGEMENT_EVENTS,
    REVIEWS,
    CAMPAIGN_CONTACTS,
    OFFER_REDEMPTIONS,
    EXIT_SURVEYS,
    TERMINATIONS,
    QUARANTINE,
)
