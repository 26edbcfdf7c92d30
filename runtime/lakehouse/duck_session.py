"""The one-machine engine: sqlframe runs the same DataFrame code on DuckDB instead of Spark."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
from sqlframe import activate as activate_sqlframe
from sqlframe.duckdb import Column as DuckDBColumn, DuckDBSession

from runtime.lakehouse.duck_sql import MACROS, cast_as_on_spark

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def activate() -> None:
    """Replace pyspark by sqlframe's DuckDB classes. Call it before anything imports pyspark."""
    activate_sqlframe("duckdb")
    DuckDBColumn.try_cast = cast_as_on_spark  # type: ignore[attr-defined]


def duck_session(time_zone: str = "UTC") -> DuckDBSession:
    """A DuckDB session whose days begin at 00:00 in the time zone."""
    session = DuckDBSession(conn=duckdb.connect())
    # sqlframe has one session per process: a later one keeps the first connection.
    session._conn.execute(f"SET TimeZone = '{time_zone}'")
    for macro in MACROS:
        session._conn.execute(f"CREATE OR REPLACE MACRO {macro}")
    return session


_numbers = count()


def frame_of(session: Any, table: pa.Table) -> DataFrame:
    """A frame with the content of an Arrow table. Names are in lower case, as sqlframe has them."""
    # Each name is used once: sqlframe caches the columns of a name for the whole process.
    name, connection = f"from_arrow_{next(_numbers)}", session._conn
    connection.register(f"arrow_{name}", table)
    columns = ", ".join(
        f"CAST({quoted} AS TIMESTAMP) AS {lower}" if is_time else f"{quoted} AS {lower}"
        for f in table.schema
        for quoted, lower in [(_quoted(f.name), _quoted(f.name.lower()))]
        for is_time in [pa.types.is_timestamp(f.type)]
    )
    connection.execute(f"CREATE TABLE {name} AS SELECT {columns} FROM arrow_{name}")
    connection.unregister(f"arrow_{name}")
    return session.table(name)


def kept_table(session: Any, frame: DataFrame) -> str:
    """The name of a new table with the rows of the frame, which are computed once."""
    sqlframe: Any = frame
    name = f"kept_rows_{next(_numbers)}"
    session._conn.execute(
        f"CREATE TABLE {name} AS {sqlframe.sql(dialect='duckdb', optimize=False)}"
    )
    return name


def kept(session: Any, frame: DataFrame) -> DataFrame:
    """The frame, computed once."""
    return session.table(kept_table(session, frame))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
