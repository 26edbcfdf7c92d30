"""Silver: card payments, and what became known of them as fraud."""

from __future__ import annotations

from contracts.rules import in_range, not_before, not_future, not_null, one_of, text_rules
from contracts.silver import CUSTOMER_ID, LINEAGE
from contracts.table import Column, Table

LABEL_SOURCES = ("review", "chargeback")

_PAYMENT_COLUMNS = (
    Column("payment_id", "string", "Identifier of the payment", False),
    CUSTOMER_ID,
    Column("card_id", "string", "Token of the card, never its number; null: no card"),
    Column("device_id", "string", "Identifier of the device; null: unknown"),
    Column("merchant_id", "string", "Identifier of the merchant", False),
    Column("merchant_category", "string", "Category of the merchant; null: unknown"),
    Column("country", "string", "Country of the payment, ISO 3166 code; null: unknown"),
    Column("latitude", "double", "Latitude of the payment, degrees; null: unknown", personal=True),
    Column(
        "longitude", "double", "Longitude of the payment, degrees; null: unknown", personal=True
    ),
    Column("amount", "decimal(18,2)", "Amount, currency", False),
    Column("paid_at", "timestamp", "When the payment was made (UTC)", False),
    Column(
        "received_at",
        "timestamp",
        "received_at of the answer of /fraud/score (UTC): the order of arrival; null: as paid_at",
    ),
)

PAYMENTS = Table(
    name="silver.payments",
    row="One row per payment, declined ones too. A refund is no payment.",
    key=("payment_id",),
    columns=(*_PAYMENT_COLUMNS, *LINEAGE),
    slice_by="batch_id",
    rules=(
        *map(not_null, ("payment_id", "customer_id", "merchant_id", "amount", "paid_at")),
        not_before("paid_at"),
        not_future("paid_at"),
        in_range("amount", 0, 1_000_000),
        in_range("latitude", -90, 90),
        in_range("longitude", -180, 180),
        *text_rules(_PAYMENT_COLUMNS),
    ),
    references=(("customer_id", "silver.customers", "customer_id"),),
    event_time="paid_at",
    cluster_by=("customer_id",),
)

_LABEL_COLUMNS = (
    Column("payment_id", "string", "Identifier of the payment", False),
    Column("is_fraud", "boolean", "True: fraud; false: a review found none", False),
    Column(
        "label_source",
        "string",
        "review (a person looked at the payment) or chargeback (the cardholder disputed it)",
        False,
    ),
    Column("labelled_at", "timestamp", "When the label became known (UTC)", False),
)

FRAUD_LABELS = Table(
    name="silver.fraud_labels",
    row="One row per payment whose fraud label is known. Payments that nobody reviewed or disputed "
    "have none.",
    key=("payment_id",),
    columns=(*_LABEL_COLUMNS, *LINEAGE),
    slice_by="batch_id",
    rules=(
        *map(not_null, ("payment_id", "is_fraud", "label_source", "labelled_at")),
        one_of("label_source", LABEL_SOURCES),
        not_before("labelled_at"),
        not_future("labelled_at"),
        *text_rules(_LABEL_COLUMNS),
    ),
    references=(("payment_id", "silver.payments", "payment_id"),),
    event_time="labelled_at",
    cluster_by=("payment_id",),
)

SILVER_PAYMENTS = (PAYMENTS, FRAUD_LABELS)
