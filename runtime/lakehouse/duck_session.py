"""The one-box engine: sqlframe runs the same DataFrame code on DuckDB, in place of pyspark."""

from __future__ import annotations

from typing import Any


def activate() -> None:
    """From here on `import pyspark.sql` gives sqlframe's DuckDB classes. Before anything else."""
    from sqlframe import activate as activate_sqlframe

    activate_sqlframe("duckdb")


def duck_session() -> Any:
    """A DuckDB session in UTC."""
    import duckdb
    from sqlframe.duckdb import DuckDBSession

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return DuckDBSession(conn=connection)
