"""Silver: typed, deduplicated and quality-checked. Each row records its source and batch."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.rules import in_order, in_range, not_before, not_future, not_null, one_of, text_rules
from contracts.table import Column, Rule, Table

LINEAGE = (
    Column(
        "known_at",
        "timestamp",
        "When the row became known (UTC); features use the row from then on",
        False,
    ),
    Column("source", "string", "Name of the source in conf", False),
    Column("batch_id", "string", "Identifier of the file that delivered the row", False),
    Column(
        "content_hash",
        "bigint",
        "Hash of the declared columns; same key and hash: exact duplicate",
        False,
    ),
    Column(
        "warnings",
        "string",
        "Names of the warning rules that the row broke, separated by ', '; null: none",
    ),
)

VALIDITY = ("valid_from", "valid_to")

# Columns that came after the first release. A source that does not map them has the same content
# hashes as before.
ADDED = ("line_number", "currency")


def content_columns(table: Table, mapped: Iterable[str]) -> list[str]:
    """The columns of a row's content hash. `mapped`: the columns that the source maps."""
    names = {*mapped}
    return [c.name for c in mapped_columns(table) if c.name not in ADDED or c.name in names]


def mapped_columns(table: Table) -> tuple[Column, ...]:
    """The columns that the mapping of a source fills. Ingest sets lineage and validity columns."""
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


CUSTOMER_ID = Column("customer_id", "string", "Customer identifier of the company", False)

ATTRIBUTES = (
    Column("age_band", "string", "Age band, as in the source"),
    Column("gender", "string", "Gender, as in the source"),
    Column("income_band", "string", "Income band, as in the source"),
    Column("home_ownership", "string", "Home ownership: owner, renter, ..."),
    Column("marital_status", "string", "Marital status, as in the source"),
    Column("household_size", "string", "Persons in the household, as in the source"),
    Column("household_composition", "string", "Composition of the household"),
    Column("kids_count", "string", "Children in the household, as in the source"),
    Column("region", "string", "Region or country"),
    Column("plan", "string", "Plan or tariff"),
    Column("contract_type", "string", "Contract type: month-to-month, one year, ..."),
    Column("acquisition_channel", "string", "Channel through which the customer was acquired"),
    Column(
        "monthly_charge", "decimal(18,2)", "Contract price per month, in the company's currency"
    ),
)

_CUSTOMER_COLUMNS = (
    CUSTOMER_ID,
    Column("first_name", "string", "First name, used in messages", personal=True),
    Column("email", "string", "E-mail address", personal=True),
    Column("language", "string", "Language of messages, ISO 639-1 code"),
    Column("signup_on", "date", "Day of signup; null: unknown, the first purchase is used instead"),
    Column(
        "is_opted_out",
        "boolean",
        "True: the customer must not be contacted; null: consent unknown, "
        "contact.when_consent_unknown in conf decides",
    ),
    *ATTRIBUTES,
)

CUSTOMERS = Table(
    name="silver.customers",
    row="One row per customer and version of their attributes, valid in [valid_from, valid_to).",
    columns=(
        *_CUSTOMER_COLUMNS,
        Column("valid_from", "timestamp", "When this version became known (UTC)", False),
        Column(
            "valid_to", "timestamp", "When the next version became known (UTC); null: still valid"
        ),
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

# Amounts of several or of unknown currencies must not be added up. `lakehouse_currency` is set by
# ingest: null where the source has no currency.
CURRENCY_IS_OTHER = Rule(
    "currency_is_other",
    "lakehouse_currency IS NULL OR coalesce(upper(trim(currency)), '') = lakehouse_currency",
    ("currency",),
    explanation="currency must be that of the lakehouse, `currency` in conf",
)

TRANSACTIONS = _silver(
    "transactions",
    "One row per order line, or per order if the source has no lines. A return is negative.",
    (
        CUSTOMER_ID,
        Column("order_id", "string", "Identifier of the order (basket) of the line", False),
        Column("product_id", "string", "Product identifier; null: the source has orders only"),
        Column("purchased_at", "timestamp", "When the purchase was made (UTC)", False),
        Column("quantity", "decimal(18,3)", "Units sold; null: unknown"),
        Column(
            "amount",
            "decimal(18,2)",
            "Amount that the customer paid, currency; negative: a return",
            False,
        ),
        Column("discount", "decimal(18,2)", "Discount on the price, currency, >= 0; null: unknown"),
        Column(
            "line_number",
            "string",
            "Number of the line within its order; null: the source has none",
        ),
        Column(
            "currency",
            "string",
            "Currency of the amounts, ISO 4217 code; null: the source has none",
        ),
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
        CURRENCY_IS_OTHER,
        Rule("amount_is_zero", "amount <> 0", ("amount",), "warn", "the amount is zero"),
        Rule("amount_is_negative", "amount >= 0", ("amount",), "warn", "the line is a return"),
        Rule("quantity_is_zero", "quantity <> 0", ("quantity",), "warn", "the quantity is zero"),
        Rule("quantity_is_high", "quantity <= 100", ("quantity",), "warn", "more than 100 units"),
    ),
    "purchased_at",
)

SUPPORT_TICKETS = _silver(
    "support_tickets",
    "One row per support ticket. A ticket without a customer is kept with a warning.",
    (
        Column("ticket_id", "string", "Ticket identifier", False),
        Column("customer_id", "string", "Customer identifier of the company; null: unknown"),
        Column("opened_at", "timestamp", "When the ticket was opened (UTC)", False),
        Column(
            "resolved_at",
            "timestamp",
            "When the ticket was resolved (UTC); null: not known to be resolved",
        ),
        Column("category", "string", "Category, as in the source"),
        Column("text", "string", "Text that the customer wrote", personal=True, is_free_text=True),
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
    "One row per action of a customer, or per e-mail sent to a customer.",
    (
        CUSTOMER_ID,
        Column("event_id", "string", "Event identifier; null: the source has none"),
        Column("kind", "string", f"One of {', '.join(ENGAGEMENT_KINDS)}", False),
        Column("occurred_at", "timestamp", "When the event occurred (UTC)", False),
        Column(
            "feature", "string", "Product feature that was used; null unless kind is feature_use"
        ),
        Column("duration_minutes", "double", "Duration in minutes; null: not measured"),
        Column("session_id", "string", "Session identifier; null: unknown"),
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
    "One row per review that a customer wrote.",
    (
        CUSTOMER_ID,
        Column("review_id", "string", "Review identifier; null: the source has none"),
        Column("reviewed_at", "timestamp", "When the review was written (UTC)", False),
        Column("stars", "double", "Stars, 1 to 5; null: no stars given"),
        Column("text", "string", "Text that the customer wrote", personal=True, is_free_text=True),
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
    "One row per customer and contact by a campaign. Held-out customers have a row although "
    "nothing was sent.",
    (
        CUSTOMER_ID,
        Column("campaign_id", "string", "Campaign identifier", False),
        Column("offer_id", "string", "Offer identifier, or the kind of campaign; null: unknown"),
        Column(
            "contacted_at", "timestamp", "When the campaign contacted the customer (UTC)", False
        ),
        Column("ends_at", "timestamp", "When the offer ended (UTC); null: no end"),
        Column("is_treated", "boolean", "False: held out; null: counts as treated"),
        Column(
            "is_randomised",
            "boolean",
            "True: treatment was assigned at random; false or null: targeted",
        ),
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
    "One row per redemption of an offer or coupon.",
    (
        CUSTOMER_ID,
        Column("campaign_id", "string", "Campaign identifier; null: unknown"),
        Column("offer_id", "string", "Identifier of the offer or coupon"),
        Column("redeemed_at", "timestamp", "When the offer was redeemed (UTC)", False),
        Column("discount", "decimal(18,2)", "Discount on the price, currency; null: unknown"),
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

FULFILMENTS = _silver(
    "fulfilments",
    "One row per offer that was booked for a customer, such as points added to the account. "
    "deliver_outbox sends the message of an offer with needs_fulfilment only after it.",
    (
        CUSTOMER_ID,
        Column("offer_id", "string", "Offer in conf/offers.yaml", False),
        Column(
            "campaign_id",
            "string",
            "Campaign of the contact in gold.outbox; null: every contact of the offer that is "
            "valid on that day",
        ),
        Column("fulfilled_at", "timestamp", "When the offer was booked (UTC)", False),
    ),
    (
        not_null("customer_id"),
        not_null("offer_id"),
        not_null("fulfilled_at"),
        not_before("fulfilled_at"),
        not_future("fulfilled_at"),
    ),
    "fulfilled_at",
)

TASK_RESULTS = ("done", "not_reached", "declined", "not_done")

TASK_OUTCOMES = _silver(
    "task_outcomes",
    "One row per task of a playbook whose outcome a person noted. A playbook is a campaign whose "
    "offer is an action, such as a call.",
    (
        Column("task_id", "string", "Task identifier", False),
        CUSTOMER_ID,
        Column("campaign_id", "string", "Campaign of the playbook", False),
        Column("owner", "string", "Who had to do the task; null: unknown"),
        Column("due_on", "date", "Day by which it was due; null: no day was set"),
        Column(
            "outcome",
            "string",
            f"One of {', '.join(TASK_RESULTS)}; declined: the customer refused",
            False,
        ),
        Column("noted_at", "timestamp", "When the outcome was noted (UTC)", False),
        Column("noted_by", "string", "Who noted it; null: unknown"),
    ),
    (
        not_null("task_id"),
        not_null("customer_id"),
        not_null("campaign_id"),
        not_null("outcome"),
        not_null("noted_at"),
        one_of("outcome", TASK_RESULTS),
        not_before("noted_at"),
        not_future("noted_at"),
    ),
    "noted_at",
)

REASONS = ("price", "features", "competitor", "quality", "support")
# The main reason of a customer whose data hold no evidence for any of them.
UNKNOWN_REASON = "unknown"

EXIT_SURVEYS = _silver(
    "exit_surveys",
    "One row per customer and reason for leaving that they named.",
    (
        CUSTOMER_ID,
        Column("answered_at", "timestamp", "When the survey was answered (UTC)", False),
        Column("reason", "string", f"One of {', '.join(REASONS)}", False),
        Column("text", "string", "Text that the customer wrote", personal=True, is_free_text=True),
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

SURVEY_ANSWERS = _silver(
    "survey_answers",
    "One row per answer to a survey, from the customer of customer_id or of the signed token.",
    (
        Column("customer_id", "string", "Customer identifier of the company; null: see token"),
        Column(
            "token",
            "string",
            "Token of the survey link, verified by ingest; its first 32 characters are the "
            "contact_id in gold.outbox. If it is set, it decides who answered; null: none",
        ),
        Column("answered_at", "timestamp", "When the survey was answered (UTC)", False),
        Column("score", "double", "Satisfaction, 0 (not at all) to 10", False),
        Column("text", "string", "Text that the customer wrote", personal=True, is_free_text=True),
    ),
    (
        Rule(
            "customer_id_or_token",
            "coalesce(trim(customer_id) <> '', trim(token) <> '', FALSE)",
            ("customer_id", "token"),
            explanation="customer_id or token must have a value",
        ),
        not_null("answered_at"),
        not_null("score"),
        in_range("score", 0, 10),
        not_before("answered_at"),
        not_future("answered_at"),
    ),
    "answered_at",
)

TERMINATIONS = _silver(
    "terminations",
    "One row per termination of a customer's contract.",
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
    row="One row per source row that broke a rule of severity reject, with the reasons. A replay "
    "moves the row to its table once it passes.",
    key=("source", "batch_id", "row_id"),
    slice_by="batch_id",
    columns=(
        Column("source", "string", "Name of the source in conf", False),
        Column("batch_id", "string", "Identifier of the file that delivered the row", False),
        Column("row_id", "string", "Hash of the row, with a running number for equal rows", False),
        Column(
            "row", "string", "The source row as JSON, unchanged", personal=True, is_free_text=True
        ),
        Column(
            "reasons", "string", "Names of the rules that the row broke, separated by ', '", False
        ),
        Column("known_at", "timestamp", "When the row arrived (UTC)", False),
        Column("is_replayed", "boolean", "True: a later replay moved the row to its table", False),
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
    FULFILMENTS,
    TASK_OUTCOMES,
    EXIT_SURVEYS,
    SURVEY_ANSWERS,
    TERMINATIONS,
    QUARANTINE,
)
