"""Queries over the Delta tables of a folder, run by DuckDB and cached by table version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.dataset as pads
import streamlit as st
from deltalake import DeltaTable

from contracts.catalog import tables
from runtime.files import Location, table_location
from runtime.lakehouse.arrow_types import arrow_schema, nullable
from runtime.lakehouse.commits import newest_version
from runtime.lakehouse.delta_tables import dataset_of

Row = dict[str, Any]
Versions = tuple[tuple[str, int | None], ...]
# A query names a table in braces, such as {gold.customer_scores}.
_TABLE = re.compile(r"\{([a-z]+\.[a-z_]+)\}")
# The most rows that a page may show at once, and the most that a query of a page may return.
PAGE_ROWS, MOST_ROWS = 50, 200
# One query: two cores, and so much memory that eight users fit into a small machine.
CONNECTION: dict[str, Any] = {"threads": "2", "memory_limit": "1GB"}


@dataclass(frozen=True)
class Lake:
    """The lakehouse of one environment. Tables that do not exist are empty."""

    root: Path

    def version(self, name: str) -> int | None:
        """Newest Delta version of a table; None: it does not exist."""
        return newest_version(table_location(Location.of(self.root), name))

    def has(self, name: str) -> bool:
        """Whether the table exists and its contract is declared."""
        return name in _contracts() and self.version(name) is not None

    def rows(
        self, sql: str, values: Mapping[str, Any] | None = None, most: int = MOST_ROWS
    ) -> list[Row]:
        """The rows of a query, as dictionaries; the query is bounded by `most`.

        A result is kept until a table that the query names has another version.
        """
        given = tuple(sorted((values or {}).items()))
        return _rows(str(self.root), sql, given, self.versions(sql), most)

    def versions(self, sql: str) -> Versions:
        """The tables that a query names, with their newest versions."""
        return tuple((name, self.version(name)) for name in sorted(set(_TABLE.findall(sql))))

    def columns(self, sql: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """The columns of a query as numpy arrays, for arithmetic on the server; not cached.

        Unknown numbers are NaN, unknown texts None.
        """
        with _connected(str(self.root), self.versions(sql)) as connection:
            frame = connection.execute(_text(sql), dict(values)).df()
        return {name: frame[name].to_numpy() for name in frame.columns}

    def row(self, sql: str, values: Mapping[str, Any] | None = None) -> Row:
        """The first row of a query; empty if there is none."""
        return next(iter(self.rows(sql, values)), {})


@st.cache_data(max_entries=500, show_spinner=False)
def _rows(
    root: str, sql: str, values: tuple[tuple[str, Any], ...], versions: Versions, most: int
) -> list[Row]:
    with _connected(root, versions) as connection:
        result = connection.execute(f"SELECT * FROM ({_text(sql)}) LIMIT {most}", dict(values))
        columns = [column[0] for column in result.description]
        return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def _text(sql: str) -> str:
    """The query with the names under which `_connected` registers its tables."""
    return _TABLE.sub(lambda match: match[1].replace(".", "_"), sql)


def _connected(root: str, versions: Versions) -> duckdb.DuckDBPyConnection:
    """A connection of its own for one query, with the tables at these versions."""
    connection = duckdb.connect(config=CONNECTION)
    connection.execute("SET TimeZone = 'UTC'")
    for name, version in versions:
        connection.register(name.replace(".", "_"), _dataset(root, name, version))
    return connection


@st.cache_resource(max_entries=100, show_spinner=False)
def _dataset(root: str, name: str, version: int | None) -> pads.Dataset:
    """The table at a version, with the columns of its contract; gained columns are null."""
    contract = _contracts()[name]
    if version is None:
        return pads.dataset(nullable(arrow_schema(contract)).empty_table())
    path = str(table_location(Location.of(root), name))
    return dataset_of(DeltaTable(path, version=version), contract)


@st.cache_resource
def _contracts() -> Mapping[str, Any]:
    return tables()
