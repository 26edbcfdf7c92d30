"""The one-machine engine: sqlframe runs the same DataFrame code on DuckDB instead of Spark."""

from __future__ import annotations

import duckdb
from sqlframe import activate as activate_sqlframe
from sqlframe.duckdb import Column as DuckDBColumn, DuckDBSession

from runtime.lakehouse.duck_sql import MACROS, cast_as_on_spark


def activate() -> None:
    """Replace pyspark by sqlframe's DuckDB classes. Call it before anything imports pyspark."""
    activate_sqlframe("duckdb")
    DuckDBColumn.try_cast = cast_as_on_spark  # type: ignore[attr-defined]


def duck_session() -> DuckDBSession:
    """A DuckDB session in UTC."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for macro in MACROS:
        connection.execute(f"CREATE MACRO {macro}")
    return DuckDBSession(conn=connection)
