"""Sources that are tables, read completely or from a cursor on. A key identifies new rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException

from pipelines.ingestion.read_errors import reading_database
from pipelines.ingestion.source_files import Part, SourceFile, batch_id, named
from runtime.errors import SourceError
from transforms.source_reads import content_identity, rows_from, with_table_name

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from runtime.settings.sources import SourceSettings

# A table: [catalog.][schema.]table.
_NAME = re.compile(r"[\w-]+(\.[\w-]+){0,2}")

# Else Spark reads a timestamp without a zone in the zone of the JVM instead of the source's.
_WITHOUT_ZONE = {"preferTimestampNTZ": "true"}


def jdbc_part(
    spark: SparkSession,
    name: str,
    source: SourceSettings,
    *,
    keep: Callable[[DataFrame], DataFrame],
    least: int | str | None = None,
) -> Part:
    """The rows of a query. The batch depends on the content, so an unchanged table is skipped.

    least: only rows with at least this cursor, or without one: microseconds of a time, YYYY-MM-DD
    of a date, or a number. None: all rows.
    """
    title = source.reader_options.get("dbtable", "query")
    with without_values(source.hidden_values), reading_database(name):
        reader = spark.read.format("jdbc").options(**{**_WITHOUT_ZONE, **source.reader_options})
        frame = reader.load()
        if source.incremental is not None:
            frame = from_cursor(name, frame, source.incremental.cursor, least=least)
        # Read once: the table may change between the hash and the rows.
        frame = keep(with_table_name(named(name, title, frame), title))
        identity = content_identity(frame).collect()[0]  # one row
    batch = batch_id(name, f"{title}\n{identity['content']}", identity["rows"], modified_ms=0)
    return Part((SourceFile(batch, title, title, identity["rows"], 0),), frame)


def from_cursor(name: str, frame: DataFrame, cursor: str, *, least: int | str | None) -> DataFrame:
    """The rows whose cursor is at least `least`, or null. The database filters.

    SourceError if the cursor is no column, or has a type without an order in time.
    """
    where = f"sources.{name}.incremental.cursor = {cursor!r}"
    kinds = {f.name: f.dataType.simpleString() for f in frame.schema.fields}
    if cursor not in kinds:
        raise SourceError(
            f"{where}: the query has no such column. Its columns are {', '.join(kinds)}."
        )
    kind = kinds[cursor]
    if not kind.startswith(("timestamp", "date", *_NUMBERS)):
        raise SourceError(
            f"{where}: is a {kind}, but must be a time, a date or a number. Name another column."
        )
    return frame if least is None else rows_from(frame, cursor, least)


_NUMBERS = ("tinyint", "smallint", "int", "bigint", "decimal", "float", "double")


@contextmanager
def without_values(hidden: Collection[str]) -> Iterator[None]:
    """Hide values in the message of a SourceError: database drivers quote what they were given."""
    try:
        yield
    except SourceError as error:
        text = str(error)
        for value in sorted(hidden, key=len, reverse=True):
            text = text.replace(value, "(hidden)")
        raise SourceError(text) from None


def delta_part(spark: SparkSession, name: str, source: SourceSettings) -> Part:
    """All rows of the newest version of a Delta table. The version is the batch."""
    path = source.path or ""
    try:
        version, is_folder = _newest(spark, f"delta.`{path}`"), True
    except AnalysisException:
        if not _NAME.fullmatch(path):
            raise
        version, is_folder = _newest(spark, path), False
    reader = spark.read.options(**source.reader_options).option("versionAsOf", version)
    frame = reader.format("delta").load(path) if is_folder else reader.table(path)
    title = f"{path.rstrip('/').rpartition('/')[2]}@v{version}"
    file = SourceFile(batch_id(name, title, version, modified_ms=0), title, title, version, 0)
    return Part((file,), with_table_name(named(name, title, frame), title))


def _newest(spark: SparkSession, address: str) -> int:
    history = spark.sql(f"DESCRIBE HISTORY {address} LIMIT 1")
    return int(history.select("version").collect()[0][0])  # one row
