"""The one-machine engine: sqlframe runs the same DataFrame code on DuckDB instead of Spark."""

from __future__ import annotations

import duckdb
from sqlframe import activate as activate_sqlframe
from sqlframe.duckdb import DuckDBSession


def activate() -> None:
    """Replace pyspark by sqlframe's DuckDB classes. Call it before anything imports pyspark."""
    activate_sqlframe("duckdb")


def duck_session() -> DuckDBSession:
    """A DuckDB session in UTC."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return DuckDBSession(conn=connection)
