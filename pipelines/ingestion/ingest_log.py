"""bronze.ingest_log as a run needs it: which files were taken in, and which were the history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from contracts.bronze import INGEST_LOG, METADATA, source_table
from contracts.table import Table
from runtime.lakehouse.writes import Write

if TYPE_CHECKING:
    from runtime.context import Context

REPLAY = "replay"


class Ledger:
    """What was taken in before this run. A batch stands here once all of its rows are written."""

    def __init__(self, context: Context) -> None:
        self.context, self.spark, self.lake = context, context.spark, context.lake
        # One row a file ever taken in.
        self.rows = (
            context.read(INGEST_LOG.name)
            .selectExpr("source", "batch_id", "file", "unix_micros(known_at) AS known_at")
            .collect()
        )

    def batches(self, source: str) -> set[str]:
        """The batches of a source, its replays too."""
        return {r["batch_id"] for r in self.rows if r["source"] == source}

    def file_names(self, source: str) -> set[str]:
        """The files of a source by name."""
        return {r["file"] for r in self.rows if r["source"] == source}

    def history(self, source: str) -> list[str]:
        """The batches of a source's first load."""
        own = [r for r in self.rows if r["source"] == source]
        first = min((r["known_at"] for r in own), default=None)
        return sorted(r["batch_id"] for r in own if r["known_at"] == first)

    def columns(self, source: str) -> dict[str, str]:
        """The columns of bronze.<source> (name -> type) without metadata; empty: no table yet."""
        bronze = source_table(source, {}, is_personal=False)
        if not self.context.has(bronze.name):
            return {}
        meta = [c.name for c in METADATA]
        fields = self.lake.read(bronze).schema.fields
        return {f.name: f.dataType.simpleString() for f in fields if f.name not in meta}

    def unfinished(self, source: str) -> set[str]:
        """Batches that a killed run left: their rows stand in bronze, and nothing here."""
        bronze = source_table(source, {}, is_personal=False)
        if not self.context.has(bronze.name):
            return set()
        return self._batches_in(bronze, "_batch_id", "true") - self.batches(source)

    def unfinished_replays(self, source: str, silver: Table) -> set[str]:
        """The same of replays, which have no rows in bronze."""
        own = f"source = '{source}' AND batch_id LIKE '{REPLAY}-%'"
        return self._batches_in(silver, "batch_id", own) - self.batches(source)

    def _batches_in(self, table: Table, column: str, condition: str) -> set[str]:
        # As many as files were taken in.
        rows = self.lake.read(table).where(condition).select(column).distinct().collect()
        return {r[column] for r in rows}

    def entries(self, known_at: dt.datetime, rows: Sequence[tuple]) -> Write:
        """The write that adds (source, batch_id, file, in, kept, quarantined, duplicate)."""
        complete = [(*r[:3], known_at, *r[3:]) for r in rows]
        frame = self.spark.createDataFrame(complete, INGEST_LOG.ddl)
        return Write(INGEST_LOG, frame, slices=sorted({r[1] for r in rows}))
