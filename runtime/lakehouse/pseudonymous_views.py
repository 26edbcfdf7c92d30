"""Views of gold tables with pseudonyms in place of customer ids, for Spark, Databricks and DuckDB.

A view that computed the pseudonym would show the key to all who may read its definition. So a table
that analysts may not read, silver.pseudonyms, has the pseudonyms, and a view joins it.
"""

from __future__ import annotations

from collections.abc import Iterable

from contracts.pseudonyms import PSEUDONYM, PSEUDONYMS, is_pseudonymised, shown_columns
from contracts.table import Table


def name_of(table: Table) -> str:
    """The name of the view."""
    return f"{table.name}_pseudonymous"


def pseudonymous_select(table: Table, source: str, pseudonyms: str) -> str:
    """SELECT of the rows with pseudonyms. Null: the customer is newer than the pseudonyms.

    source, pseudonyms: both tables, as SQL names them.
    """
    columns = ", ".join(f"kept.{name}" for name in shown_columns(table))
    return (
        f"SELECT names.{PSEUDONYM}, {columns} FROM {source} AS kept "
        f"LEFT JOIN {pseudonyms} AS names ON names.customer_id = kept.customer_id"
    )


def pseudonymous_selects(tables: Iterable[Table], prefix: str = "") -> dict[str, str]:
    """The views of these tables: name -> SELECT."""
    pseudonyms = f"{prefix}{PSEUDONYMS.name}"
    return {
        name_of(table): pseudonymous_select(table, f"{prefix}{table.name}", pseudonyms)
        for table in tables
        if is_pseudonymised(table)
    }


def duckdb_pseudonymous_views(tables: Iterable[Table]) -> str:
    """One CREATE VIEW statement per view, over <layer>_<table>."""
    return "\n\n".join(
        f"CREATE OR REPLACE TEMP VIEW {_flat(name_of(table))} AS\n"
        f"{pseudonymous_select(table, _flat(table.name), _flat(PSEUDONYMS.name))};"
        for table in tables
        if is_pseudonymised(table)
    )


def _flat(name: str) -> str:
    return name.replace(".", "_")
