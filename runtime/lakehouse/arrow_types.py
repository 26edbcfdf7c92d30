"""Arrow types and schemas of contracts, for DuckDB."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from contracts.table import Table
from runtime.errors import TableError

ARROW_TYPES = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def arrow_schema(table: Table) -> pa.Schema:
    """Arrow schema of the contract, with comments and NOT NULL columns."""
    return pa.schema(
        [
            pa.field(c.name, arrow_type(c.type), c.nullable, {"comment": c.comment})
            for c in table.columns
        ]
    )


def nullable(schema: pa.Schema) -> pa.Schema:
    """The schema without NOT NULL."""
    return pa.schema([f.with_nullable(True) for f in schema])


def columns_as_sql(schema: pa.Schema, names: Sequence[str]) -> str:
    """The columns as SQL. The cast makes timestamps of Delta clock times of the session's zone."""
    return ", ".join(
        f'CAST("{n}" AS TIMESTAMP) AS "{n}"'
        if pa.types.is_timestamp(schema.field(n).type)
        else f'"{n}"'
        for n in names
    )


def sql_type(kind: pa.DataType) -> str:
    """The type as a contract writes it."""
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "timestamp"
    names = {arrow: name for name, arrow in ARROW_TYPES.items()}
    return names.get(kind, str(kind))


def arrow_type(name: str) -> pa.DataType:
    """The Arrow type of a contract's type. TableError if DuckDB does not support it."""
    if name.startswith("decimal("):
        precision, scale = name[8:-1].split(",")
        return pa.decimal128(int(precision), int(scale))
    if name not in ARROW_TYPES:
        raise TableError(
            f"type {name}: --engine duckdb supports {', '.join(ARROW_TYPES)} and decimal."
        )
    return ARROW_TYPES[name]
