"""Faults of conf's sources that need no data."""

from __future__ import annotations

import pytest

from pipelines.ingestion.source_checks import check_sources
from runtime.errors import UsageError
from runtime.settings import Settings, load

ORDERS = {
    "table": "transactions",
    "format": "csv",
    "path": "orders.csv",
    "mapping": {"customer_id": "c", "order_id": "o", "purchased_at": "t", "amount": "a"},
}
NO_PURCHASES = (
    "but no source has `table: transactions`, which every other step needs. Add a source of "
    "purchases with a customer, a time and an amount. A table with one row per customer and a "
    "column that says who left cannot replace it: without dates nothing tells what was known "
    "before a customer left."
)


def faults(**sources):
    values = load("demo").model_dump() | {"sources": sources}
    with pytest.raises(UsageError) as caught:
        check_sources(Settings(**values))
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_conf_without_purchases_is_refused():
    crm = {**ORDERS, "table": "customers", "mapping": {"customer_id": "id"}}
    assert faults(crm=crm) == f"conf/demo.yaml: sources fill customers, {NO_PURCHASES}"
    assert faults() == f"conf/demo.yaml: sources fill nothing, {NO_PURCHASES}"


def test_a_condition_is_checked_like_the_mapping():
    where = "amount::int > 0 and (select 1) = 1"
    assert faults(orders={**ORDERS, "where": where}).splitlines() == [
        f"conf/demo.yaml: sources.orders.where = {where!r}: `::` silently turns '1.5'::int into 1. "
        "Write cast(... as ...), which rejects such a row.",
        f"conf/demo.yaml: sources.orders.where = {where!r}: uses select, but an expression gives one "
        "value from the columns of its own row. Remove select. A column of that name is written in "
        "backticks.",
    ]


def test_a_currency_of_rows_needs_one_of_the_lakehouse():
    mapping = {**ORDERS["mapping"], "currency": "cur"}
    assert faults(orders={**ORDERS, "mapping": mapping}) == (
        "conf/demo.yaml: sources.orders.mapping.currency is set, but `currency` of conf is not, so no "
        "amount can be compared with it. Set `currency`, such as EUR, at the top level of the file."
    )
    values = load("demo").model_dump() | {"currency": "EUR"}
    check_sources(Settings(**values | {"sources": {"orders": {**ORDERS, "mapping": mapping}}}))
