"""Fixtures that make frames from the rows of a test, and rows from frames, on either engine."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from itertools import count

import pyarrow as pa
import pytest

from contracts import catalog
from contracts.table import Column, Table
from runtime.lakehouse.arrow_types import arrow_schema

TABLES = catalog.tables()
LINEAGE = {"source": "test", "batch_id": "b1", "content_hash": 0}
_numbers = count()


@pytest.fixture(scope="session")
def frame(session):
    """A function that makes a frame: of a contract ("silver.reviews"), or of columns ("a int").

    Rows are dicts, or tuples in the order of the columns. Times, dates and money may be texts. A
    missing value is null, except known_at, which defaults to the time of the event. `more` names
    columns in addition to those of the contract. `title` is the name of the table on DuckDB;
    another call with the same title replaces its contents.
    """

    def make(declared, rows, more="", title=None):
        table = _table(declared, more)
        full = pa.Table.from_pylist([_filled(table, r) for r in rows], schema=_schema(table))
        if hasattr(session, "sparkContext"):
            return session.createDataFrame(full)
        return _duck(session, full, title or f"given_{next(_numbers)}")

    return make


@pytest.fixture(scope="session")
def rows_of():
    """A function that returns a frame's rows as sorted dicts, with all columns or those named."""

    def rows(frame, *names):
        dicts = (frame.select(*names) if names else frame).toArrow().to_pylist()
        return sorted(dicts, key=lambda r: [(v is not None, v) for v in r.values()])

    return rows


@pytest.fixture(scope="session")
def tuples_of(rows_of):
    """Like rows_of, with one tuple per row."""
    return lambda frame, *names: [tuple(r.values()) for r in rows_of(frame, *names)]


@pytest.fixture(scope="session")
def differences():
    """A function that returns the columns that differ, {column: (expected, actual)}; empty if none
    do.

    Floats may differ by the tolerance; all other values must be equal.
    """

    def differing(expected, row, tolerance=1e-12):
        return {
            name: (value, row[name])
            for name, value in expected.items()
            if not _is_same(value, row[name], tolerance)
        }

    return differing


def _is_same(value, other, tolerance: float) -> bool:
    if isinstance(value, float) and isinstance(other, float):
        return math.isclose(value, other, rel_tol=tolerance, abs_tol=tolerance)
    return type(value) is type(other) and value == other


def _table(declared: str, more: str) -> Table:
    pairs = [part.split(" ") for part in more.split(", ") if part]
    if declared in TABLES:
        table = TABLES[declared]
        extra = tuple(Column(name, sql_type, "") for name, sql_type in pairs)
        return Table(table.name, table.row, table.columns + extra, event_time=table.event_time)
    return Table(
        "silver.ad_hoc",
        "a test's row",
        tuple(Column(*part.split(" "), "") for part in declared.split(", ")),
    )


def _schema(table: Table) -> pa.Schema:
    return pa.schema([f.with_nullable(True) for f in arrow_schema(table)])


def _filled(table: Table, row) -> dict:
    given = row if isinstance(row, dict) else dict(zip(table.column_names, row, strict=True))
    unknown = set(given) - set(table.column_names)
    assert not unknown, f"{table.name} has no {unknown}"
    full = {c.name: _value(c.type, given.get(c.name)) for c in table.columns}
    if "content_hash" in full:
        defaults = {"known_at": full[table.event_time or "valid_from"], **LINEAGE}
        full.update({name: v for name, v in defaults.items() if full[name] is None})
    return full


def _value(sql_type: str, value):
    if value is None:
        return None
    if sql_type == "timestamp":
        moment = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.replace(tzinfo=dt.UTC)
    if sql_type == "date":
        return dt.date.fromisoformat(value) if isinstance(value, str) else value
    if sql_type.startswith("decimal"):
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-int(sql_type[:-1].split(",")[1])))
    return value


def _duck(session, table: pa.Table, name: str):
    connection = session._conn
    connection.register("given", table)
    # Timestamps without time zone, as runtime/lakehouse/duck_lake.py reads them.
    columns = ", ".join(
        f'CAST("{f.name}" AS TIMESTAMP) AS "{f.name}"'
        if pa.types.is_timestamp(f.type)
        else f'"{f.name}"'
        for f in table.schema
    )
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT {columns} FROM given")
    connection.unregister("given")
    return session.table(name)
