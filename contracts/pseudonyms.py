"""Pseudonyms of customers, and which columns of gold stay out of the views that show them."""

from __future__ import annotations

from contracts.silver import CUSTOMER_ID
from contracts.table import Column, Table

PSEUDONYM = "customer_pseudonym"
# Hashes of the customer id without a key: who knows all ids can compute them.
HASHES_OF_IDS = ("contact_id", "decision_id")

PSEUDONYMS = Table(
    name="silver.pseudonyms",
    row="One row per customer of a gold table, with the name under which analysts see them.",
    key=("customer_id",),
    columns=(
        CUSTOMER_ID,
        Column(
            PSEUDONYM,
            "string",
            "First 32 hexadecimal digits of HMAC-SHA-256 of the id, with the key of pseudonyms",
            False,
        ),
        Column("key_id", "string", "Tells by which key; says nothing about the key", False),
    ),
)


def is_pseudonymised(table: Table) -> bool:
    """Whether a table of gold has a view with pseudonyms in place of ids."""
    return table.layer == "gold" and "customer_id" in table.column_names


def shown_columns(table: Table) -> list[str]:
    """The columns of that view besides the pseudonym: no id, no personal data, no hash of an id."""
    hidden = ("customer_id", *HASHES_OF_IDS, *table.personal_columns)
    return [name for name in table.column_names if name not in hidden]
