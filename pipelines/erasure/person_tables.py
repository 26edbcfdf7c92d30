"""The tables that hold rows of customers, and how these rows are found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from contracts.bronze import INGEST_LOG, METADATA, source_table
from contracts.expressions import with_try_casts
from contracts.silver import CUSTOMERS, QUARANTINE
from contracts.table import Table
from pipelines.ingestion import readers
from pipelines.ingestion.column_names import with_bronze_names
from runtime.errors import UsageError
from runtime.lakehouse.session import time_zone
from transforms.erasure import (
    NULL,
    of_source,
    rows_by_id,
    rows_by_mapping,
    with_quarantine_key,
    with_quarantine_text,
    with_row_text,
)
from transforms.sources import from_quarantine, with_lookup, with_wide_numbers

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.context import Context
    from runtime.settings.sources import SourceSettings

# Last, because they tell which e-mail addresses and contacts belong to a customer: a run that was
# killed must find them again.
LAST = ("gold.outbox", CUSTOMERS.name)


@dataclass(frozen=True)
class PersonTable:
    """One table. find: (`_person`, the columns `on`) of the rows of the marked customers."""

    name: str
    on: tuple[str, ...]
    find: Callable[[DataFrame], DataFrame]


def has_customers(table: Table) -> bool:
    """Whether rows of a table of the contracts belong to a customer."""
    return "customer_id" in table.column_names or table is QUARANTINE


def person_tables(context: Context) -> list[PersonTable]:
    """Every existing table with rows of customers, in the order in which they are erased."""
    check_bronze(context)
    sources = {f"bronze.{source}": source for source in context.settings.sources}
    return [
        _bronze(context, sources[name]) if name in sources else _of(context, name)
        for name in table_names(context)
        if context.lake.exists(name)
    ]


def table_names(context: Context) -> list[str]:
    """The tables with rows of customers, existing or not, in the order of erasure."""
    names = [name for name, table in context.tables.items() if has_customers(table)]
    sources = [f"bronze.{source}" for source in context.settings.sources]
    return [*sources, *(name for name in names if name not in LAST), *LAST]


def check_bronze(context: Context) -> None:
    """UsageError for a bronze table whose source is not in conf: no mapping tells whose rows."""
    settings = context.settings
    if address := settings.lakehouse.address(INGEST_LOG.name):
        shown = context.spark.sql(f"SHOW TABLES IN {address.rpartition('.')[0]}")
        # One row per source, and the temporary views of the session.
        stored = {row["tableName"] for row in shown.where("NOT isTemporary").collect()}
    else:
        files = (settings.root / "bronze").files(is_recursive=True)
        logs = (f.parent for f in files if f.parent.name == "_delta_log")
        stored = {log.parent.name for log in logs}
    known = {INGEST_LOG.short_name, *settings.sources}
    if unknown := sorted(stored - known):
        raise UsageError(
            f"bronze.{unknown[0]}: conf/{settings.env}.yaml has no source {unknown[0]}, so nobody "
            "can tell whose rows it has. Nothing was erased. Put the source back into conf, or "
            "delete the table."
        )


def _of(context: Context, name: str) -> PersonTable:
    table = context.table(name)
    if table is QUARANTINE:
        return PersonTable(name, QUARANTINE.key, lambda marks: _quarantined(context, marks))
    on: tuple[str, ...]
    if table.layer == "silver" and table.column("customer_id").nullable:
        on = ("customer_id", "source", "batch_id", "content_hash")
        return PersonTable(name, on, lambda marks: _named_or_not(context, table, marks, on))
    on = ("customer_id",)
    return PersonTable(name, on, lambda marks: rows_by_id(context.read(name), marks, on))


def _named_or_not(
    context: Context, table: Table, marks: DataFrame, on: tuple[str, ...]
) -> DataFrame:
    """Rows that may name no customer: tickets, and answers to surveys."""
    names = {c: c for c in ("token", "text") if c in table.column_names}
    return rows_by_mapping(context.read(table.name), marks, on, customer="customer_id", **names)


def _bronze(context: Context, name: str) -> PersonTable:
    rows = context.lake.read(source_table(name, {}))
    # Whole rows, since bronze has no key. A map cannot be compared.
    on = tuple(f.name for f in rows.schema.fields if "map<" not in f.dataType.simpleString())
    return PersonTable(
        f"bronze.{name}",
        on,
        lambda marks: _of_source(context, name, with_row_text(rows), marks, on),
    )


def _quarantined(context: Context, marks: DataFrame) -> DataFrame:
    """The matches of all sources: each has its own columns and mapping."""
    frames = [_quarantined_of(context, marks, name) for name in context.settings.sources]
    return reduce(lambda above, below: above.unionByName(below), frames)


def _quarantined_of(context: Context, marks: DataFrame, name: str) -> DataFrame:
    waiting = of_source(context.read(QUARANTINE.name), name)
    meta = [c.name for c in METADATA]
    fields = context.lake.read(source_table(name, {})).schema.fields
    types = {f.name: f.dataType.simpleString() for f in fields if f.name not in meta}
    rows = with_quarantine_text(from_quarantine(waiting, types, []), waiting)
    key = [f"_q_{column}" for column in QUARANTINE.key]
    return with_quarantine_key(_of_source(context, name, rows, marks, key))


def _of_source(
    context: Context, name: str, rows: DataFrame, marks: DataFrame, on: Sequence[str]
) -> DataFrame:
    """Rows of bronze, or in the form of bronze, that belong to marked customers."""
    settings = context.settings.sources[name]
    source = with_bronze_names(settings, rows.columns)
    for title, lookup in source.lookups.items():
        table = readers.read_lookup(context.spark, name, title, lookup=lookup)
        rows = with_lookup(rows, table, lookup.join_on)
    source = with_bronze_names(source, rows.columns)
    # A zone matters where a mapping makes an id from a time.
    with time_zone(context.spark, settings.time_zone):
        return rows_by_mapping(
            with_wide_numbers(rows),
            marks,
            on,
            customer=_mapped(source, "customer_id"),
            token=_mapped(source, "token"),
            text="_text",
            is_unreadable="_is_unreadable",
        )


def _mapped(source: SourceSettings, column: str) -> str:
    """The column of silver as ingest computes it; null if the source does not map it."""
    if column not in source.mapping:
        return NULL
    return f"make_valid_utf8(cast(({with_try_casts(source.mapping[column])}) as string))"
