"""bronze.ingest_log: which files were loaded, and which of them belong to the first load."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from contracts.bronze import INGEST_LOG, METADATA, source_table
from contracts.table import Table
from runtime.lakehouse.writes import Write

if TYPE_CHECKING:
    from runtime.context import Context

REPLAY = "replay"


class Entry(NamedTuple):
    """One batch of one source: its file and its row counts."""

    source: str
    batch_id: str
    file: str
    rows_in: int
    rows_kept: int
    rows_quarantined: int
    rows_duplicate: int
    rows_left_out: int


class IngestLog:
    """The batches that earlier runs loaded. A batch is listed once all of its rows are written."""

    def __init__(self, context: Context) -> None:
        self.context, self.spark, self.lake = context, context.spark, context.lake
        # One row per file that was ever loaded.
        self.rows = (
            context.read(INGEST_LOG.name)
            .selectExpr("source", "batch_id", "file", "unix_micros(known_at) AS known_at")
            .collect()
        )

    def batches(self, source: str) -> set[str]:
        """The batches of a source, including its replays."""
        return {r["batch_id"] for r in self.rows if r["source"] == source}

    def file_names(self, source: str) -> set[str]:
        """The names of the files of a source."""
        return {r["file"] for r in self.rows if r["source"] == source}

    def history(self, source: str) -> list[str]:
        """The batches of a source's first load."""
        own = [r for r in self.rows if r["source"] == source]
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
