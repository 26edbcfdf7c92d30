"""bronze.ingest_log: which files were loaded or quarantined, and which belong to the first load."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from contracts.bronze import INGEST_LOG, METADATA, source_table, stored_name
from contracts.table import Table
from runtime.errors import UsageError
from runtime.lakehouse.writes import Write

if TYPE_CHECKING:
    from pyspark.sql import Row

    from runtime.context import Context
    from runtime.settings.sources import SourceSettings

REPLAY = "replay"


class Entry(NamedTuple):
    """One batch of one source: its file and its row counts. fault: why no row was loaded."""

    source: str
    batch_id: str
    file: str
    rows_in: int
    rows_kept: int
    rows_quarantined: int
    rows_duplicate: int
    rows_left_out: int
    rows_erased: int
    fault: str | None = None


class IngestLog:
    """The batches that earlier runs loaded or quarantined.

    A batch is listed once all of its rows are written.
    """

    def __init__(self, context: Context) -> None:
        self.context, self.spark, self.lake = context, context.spark, context.lake
        log = context.read(INGEST_LOG.name)
        # Version 0.1.0 of the table has no column fault. The next write adds it.
        fault = "fault" if "fault" in log.columns else "CAST(null AS string) AS fault"
        names = ("source", "batch_id", "file", "unix_micros(known_at) AS known_at", fault)
        # One row per file that was ever loaded or quarantined.
        self.rows = log.selectExpr(*names).collect()

    def batches(self, source: str) -> set[str]:
        """The batches of a source, including its replays and the files in quarantine."""
        return {r["batch_id"] for r in self.rows if r["source"] == source}

    def _loaded(self, source: str) -> list[Row]:
        return [r for r in self.rows if r["source"] == source and r["fault"] is None]

    def has_loaded(self, source: str) -> bool:
        """Whether any file of a source was loaded."""
        return bool(self._loaded(source))

    def file_names(self, source: str) -> set[str]:
        """The names of the loaded files of a source."""
        return {r["file"] for r in self._loaded(source)}

    def history(self, source: str) -> list[str]:
        """The batches of a source's first load."""
        own = self._loaded(source)
        first = min((r["known_at"] for r in own), default=None)
        return sorted(r["batch_id"] for r in own if r["known_at"] == first)

    def columns(self, source: str) -> dict[str, str]:
        """Columns of bronze.<source> (name -> type) without metadata. Empty: no table yet."""
        bronze = source_table(source, {})
        if not self.context.has(bronze.name):
            return {}
        meta = [c.name for c in METADATA]
        fields = self.lake.read(bronze).schema.fields
        return {f.name: f.dataType.simpleString() for f in fields if f.name not in meta}

    def least_cursor(self, source: str, settings: SourceSettings) -> int | str | None:
        """The highest cursor in bronze less the overlap, as table_sources.jdbc_part takes it.

        Rows of a killed run do not count. None: read all rows.
        """
        columns = self.columns(source)
        if settings.incremental is None or not columns or not self.has_loaded(source):
            return None
        cursor, overlap = stored_name(settings.incremental.cursor), settings.incremental.overlap
        kinds = {name.lower(): kind for name, kind in columns.items()}
        kind = kinds.get(cursor.lower())
        if kind is None:
            raise UsageError(
                f"sources.{source}.incremental.cursor = {cursor!r}: bronze.{source} has no such "
                f"column. Map it, or set keep_unmapped: true."
            )
        batches = ", ".join(f"'{batch}'" for batch in sorted(self.batches(source)))
        highest = {
            "timestamp": f"unix_micros(max(`{cursor}`)) - {overlap} * 1000000",
            "date": f"string(date_sub(max(`{cursor}`), {-(-overlap // 86_400)}))",
        }.get(kind, f"max(`{cursor}`) - {overlap}")
        rows = self.lake.read(source_table(source, {})).where(f"_batch_id IN ({batches})")
        value: int | str | None = rows.selectExpr(highest).collect()[0][0]  # one row
        return value

    def unfinished(self, source: str) -> set[str]:
        """Batches of a killed run: their rows are in bronze, but they are not in the log."""
        bronze = source_table(source, {})
        if not self.context.has(bronze.name):
            return set()
        return self._batches_in(bronze, "_batch_id", "true") - self.batches(source)

    def unfinished_replays(self, source: str, silver: Table) -> set[str]:
        """Replays of a killed run: their rows are in silver, but they are not in the log."""
        own = f"source = '{source}' AND batch_id LIKE '{REPLAY}-%'"
        return self._batches_in(silver, "batch_id", own) - self.batches(source)

    def _batches_in(self, table: Table, column: str, condition: str) -> set[str]:
        # At most one row per file that was ever loaded.
        rows = self.lake.read(table).where(condition).select(column).distinct().collect()
        return {r[column] for r in rows}

    def write_of(self, known_at: dt.datetime, entries: Sequence[Entry]) -> Write:
        """The write that adds the entries to the log."""
        rows = [(*e[:3], known_at, *e[3:]) for e in entries]
        frame = self.spark.createDataFrame(rows, INGEST_LOG.ddl)
        return Write(INGEST_LOG, frame, slices=sorted({e.batch_id for e in entries}))
