"""The columns of a source as ingestion reads it: valid names and types, and the origin of each row.

`_path` is the file of a row, or the name of its table. `_malformed` is the text of a row that could
not be parsed, else null.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, functions as F

from contracts.expressions import with_try_casts


def storable(rows: DataFrame, names: Mapping[str, str]) -> DataFrame:
    """One row per source row, with new names (old -> new) and with types that Delta readers have.

    A timestamp without a time zone is in the session's, which ingest sets to the source's. Types
    that the first version of Delta readers does not have (void, variant, interval, time) become
    strings.
    """
    types = {f.name: f.dataType.simpleString() for f in rows.schema.fields}
    return rows.select(
        *[_storable(_quoted(old), types[old]).alias(new) for old, new in names.items()]
    )


def _storable(value: Column, kind: str) -> Column:
    if kind == "timestamp_ntz":
        return value.cast("timestamp")
    if kind in ("void", "variant") or kind.startswith(("interval", "time(")):
        return value.cast("string")
    return value


def _quoted(name: str) -> Column:
    return F.col("`" + name.replace("`", "``") + "`")


def with_file_path(rows: DataFrame) -> DataFrame:
    """Add `_path`, the file of each row, and `_malformed` (null) if the format has none."""
    if "_malformed" not in rows.columns:
        rows = rows.withColumn("_malformed", F.lit(None).cast("string"))
    return rows.withColumn("_path", F.col("_metadata.file_path"))


def with_table_name(rows: DataFrame, name: str) -> DataFrame:
    """Add `_path`, the name of the table, and `_malformed`, which is null for tables."""
    return rows.withColumns({"_malformed": F.lit(None).cast("string"), "_path": F.lit(name)})


def rows_from(rows: DataFrame, cursor: str, least: object) -> DataFrame:
    """The source rows whose cursor is at least `least`, or null.

    least: microseconds since 1970 of a time, YYYY-MM-DD of a date, or a number. The database
    filters, because the bound has the type of the column. Spark only.
    """
    kind = {f.name: f.dataType.simpleString() for f in rows.schema.fields}[cursor]
    bound = f"timestamp_micros({least})" if kind.startswith("timestamp") else f"'{least}'"
    column = _quoted(cursor)
    return rows.where((column >= F.expr(f"cast({bound} AS {kind})")) | column.isNull())


def content_identity(rows: DataFrame) -> DataFrame:
    """One row: number of rows and hash of their content. Row order does not change the hash."""
    hashed = F.xxhash64(*[F.col(f"`{c}`") for c in rows.columns])
    content = F.sum(hashed.cast("decimal(38,0)")).alias("content")
    return rows.agg(F.count("*").alias("rows"), content)


def expression_cast(rows: DataFrame, expression: str, sql_type: str) -> DataFrame:
    """A mapping's expression, cast to its column's type. Spark raises if it is not valid."""
    value = F.expr(with_try_casts(expression)).alias("value")
    return rows.select(value).select(F.col("value").try_cast(sql_type))
