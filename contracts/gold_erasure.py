"""Tables of erasure: who must not come back, by keyed digests, and the certificates."""

from __future__ import annotations

from contracts.table import Column, Table

_REQUEST = Column(
    "request_id",
    "string",
    "Digest of all digests of one call of erase_customer: the same ids give the same request",
    False,
)
_KEY_ID = Column(
    "key_id", "string", "Tells by which key the digest was made; says nothing about the key", False
)

ERASURE_LIST = Table(
    name="silver.erasure_list",
    row="One row per request and value of an erased customer: the id, an e-mail address, or the id "
    "of a contact. Ingest leaves rows out whose values have one of these digests.",
    key=("request_id", "digest"),
    slice_by="request_id",
    columns=(
        _REQUEST,
        Column("digest", "string", "HMAC-SHA-256 of the value, hexadecimal", False),
        _KEY_ID,
    ),
)

ERASURES = Table(
    name="gold.erasures",
    row="One row per erased customer and request: the certificate, without personal data.",
    key=("erasure_id",),
    slice_by="request_id",
    columns=(
        Column("erasure_id", "string", "Identifier of the certificate", False),
        _REQUEST,
        Column("customer_digest", "string", "HMAC-SHA-256 of the id, hexadecimal", False),
        _KEY_ID,
        Column("requested_at", "timestamp", "When the first run of the request began (UTC)", False),
        Column(
            "done_at",
            "timestamp",
            "When everything was erased (UTC); null: the command was interrupted, run it again",
        ),
        Column("rows_removed", "bigint", "Rows of the customer, in all tables", False),
        Column(
            "tables_touched", "string", "Tables that had such rows, with ', ' between; null: none"
        ),
        Column(
            "is_log_clean",
            "boolean",
            "False: tables of a catalog, whose logs hold column statistics of old files until "
            "delta.logRetentionDuration has passed; null: not done",
        ),
    ),
)
