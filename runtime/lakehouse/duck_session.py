"""The one-machine engine: sqlframe runs the same DataFrame code on DuckDB instead of Spark."""

from __future__ import annotations

import duckdb
from sqlframe import activate as activate_sqlframe
from sqlframe.duckdb import DuckDBSession


def activate() -> None:
    """Replace pyspark by sqlframe's DuckDB classes. Call it before anything imports pyspark."""
    activate_sqlframe("duckdb")


def duck_session(time_zone: str = "UTC") -> DuckDBSession:
    """A DuckDB session whose days begin at 00:00 in the time zone."""
    session = DuckDBSession(conn=duckdb.connect())
    # sqlframe has one session per process: a later one keeps the first connection.
    session._conn.execute(f"SET TimeZone = '{time_zone}'")
    return session
