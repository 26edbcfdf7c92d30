"""One micro-batch of events: to silver and quarantine, then the live tables, the outbox, the log.

Every table is a function of silver, and each write replaces exactly its own slice. So a micro-batch
that is repeated, after a kill or a lost checkpoint, changes nothing. The log is written last.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from contracts.live import BEHAVIOR_LIVE, ENGAGEMENT_LIVE, STREAM_LOG
from contracts.rules import DUPLICATE, ERASED, KEPT, LEFT_OUT, QUARANTINED
from contracts.silver import ENGAGEMENT_EVENTS, QUARANTINE
from pipelines.ingestion.erased_customers import erasure_filter
from pipelines.ingestion.row_flags import flagged_by_conf
from pipelines.streams.live_tables import LiveTables
from pipelines.streams.stream_log import StreamLog, time_of
from runtime.context import Context
from runtime.fault_points import fault_point
from runtime.lakehouse.session import time_zone
from runtime.lakehouse.writes import Write
from runtime.wording import plural
from transforms.deduplicate import with_outcome
from transforms.quality import split
from transforms.silver_rows import ORDER, kept_before
from transforms.sources import with_source
from transforms.stream_rows import (
    moment,
    new_quarantine_rows,
    oldest_event,
    outcome_counts,
    with_late,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TABLES = (
    ENGAGEMENT_EVENTS.name,
    QUARANTINE.name,
    STREAM_LOG.name,
    BEHAVIOR_LIVE.name,
    ENGAGEMENT_LIVE.name,
    "gold.outbox",
)


@dataclass
class Counts:
    """What became of the rows of a micro-batch, from the rows of outcome_counts.

    days: those of kept and repeated events. uses: product feature -> first day in the kept rows.
    """

    rows: Sequence[Mapping[str, Any]]
    newest_event_at: dt.datetime | None = None
    days: set[dt.date] = field(default_factory=set)
    uses: dict[str, dt.date] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kept = [r for r in self.rows if r["outcome"] == KEPT]
        self.newest_event_at = time_of(max((r["newest"] for r in kept), default=None))
        counted = [r for r in self.rows if r["outcome"] in (KEPT, DUPLICATE)]
        self.days = {r["day"] for r in counted if r["day"] is not None}
        for row in kept:
            if row["feature"] is not None:
                first = self.uses.get(row["feature"], row["day"])
                self.uses[row["feature"]] = min(first, row["day"])

    def of(self, outcome: str, is_late: bool = False) -> int:
        """The number of rows with an outcome."""
        return sum(
            int(r["rows"])
            for r in self.rows
            if r["outcome"] == outcome and bool(r["is_late"]) == is_late
        )


class MicroBatches:
    """Applies the micro-batches of one source in order.

    checkpoint_id: identifies the checkpoint whose numbers are counted. now: gives the time.
    """

    def __init__(
        self, source: str, checkpoint_id: str, *, now: Callable[[], dt.datetime] | None = None
    ) -> None:
        self.source, self.checkpoint_id = source, checkpoint_id
        self.now = now or partial(dt.datetime.now, dt.UTC)
        self.log = StreamLog(source)
        self.live = LiveTables(source)

    def batch_id(self, number: int) -> str:
        """The id of a micro-batch: the same when Spark repeats it."""
        return f"{self.source}-{self.checkpoint_id[:8]}-{number:010d}"

    def refresh(self, context: Context) -> None:
        """Bring the live tables up to silver, after a restart or a replay of late rows.

        Nothing happens before the first micro-batch.
        """
        with context.leases.on(TABLES):
            position = self.log.position(context)
            if position.newest_event_at is not None:
                self.live.update(context, position.newest_event_at, days=set(), uses={})
        context.lake.forget()

    def compacted(self, context: Context) -> None:
        """Silver has been compacted: a commit without a change of rows."""
        self.live.version = context.lake.version(ENGAGEMENT_EVENTS.name)

    def apply(
        self, context: Context, rows: DataFrame, number: int, *, backlog: int | None = None
    ) -> dict[str, Any] | None:
        """Write one micro-batch; its row in the log. None: an earlier run has written it.

        `rows` as transforms.stream_rows.source_rows makes them.
        """
        batch_id, started = self.batch_id(number), self.now()
        fault_point("before_batch")
        try:
            with context.leases.on(TABLES):
                position = self.log.position(context, batch_id)
                if batch_id in position.written:
                    return None
                delay = dt.timedelta(minutes=context.settings.stream.watermark_minutes)
                watermark = position.watermark(delay)
                labelled = self._labelled(context, rows, batch_id, watermark)
                # One row per outcome, day and product feature.
                counts = Counts([r.asDict() for r in outcome_counts(labelled).collect()])
                self._write_rows(context, labelled, batch_id, counts)
                newest = max(
                    filter(None, (position.newest_event_at, counts.newest_event_at)), default=None
                )
                contacts = 0
                if newest is not None:
                    contacts = self.live.update(context, newest, days=counts.days, uses=counts.uses)
                row = self._log_row(batch_id, number, started, counts, watermark)
                row |= {"newest_event_at": newest, "contacts": contacts, "backlog": backlog}
                fault_point("before_log")
                self.log.add(context, row)
                fault_point("after_log")
                return row
        finally:
            context.lake.forget()

    def _labelled(
        self, context: Context, rows: DataFrame, batch_id: str, watermark: dt.datetime | None
    ) -> DataFrame:
        """The rows with their outcome, computed once."""
        source, settings = context.settings.sources[self.source], context.settings
        with in_zone(context, source.time_zone):
            flagged = context.lake.keep(
                flagged_by_conf(
                    settings, self.source, source, rows=with_source(rows), batch=batch_id
                )
            )
        # The list is asked each time: customers are erased while the stream runs.
        if (erased := erasure_filter(context)) is not None:
            flagged = context.lake.keep(erased.flagged(flagged))
        silver = context.read(ENGAGEMENT_EVENTS.name)
        if watermark is not None:
            # An event may repeat one as old as the watermark, or as the oldest of the batch.
            oldest = oldest_event(flagged).collect()
            least = min(filter(None, (watermark, time_of(oldest[0]["at"]))))
            silver = silver.where(f"occurred_at >= {moment(least)}")
        before = kept_before(silver, flagged, self.source, key=source.key, batches=[batch_id])
        outcome = with_outcome(flagged, source.key, ORDER, kept_before=before)
        return context.lake.keep(with_late(outcome, watermark))

    def _write_rows(
        self, context: Context, labelled: DataFrame, batch_id: str, counts: Counts
    ) -> None:
        """Kept rows to silver, rejected ones to quarantine. A repetition writes the same rows."""
        kept, rejected = split(labelled)
        silver = context.table(ENGAGEMENT_EVENTS.name)
        fault_point("before_silver")
        if counts.of(KEPT):
            frame = kept.select(*silver.column_names)
            context.lake.commit([Write(silver, frame, [batch_id], is_checked=False)])
            self.live.wrote_silver(context)
        fault_point("after_silver")
        if counts.of(QUARANTINED) + counts.of(QUARANTINED, is_late=True):
            before = context.read(QUARANTINE.name).where(
                f"source = '{self.source}' AND batch_id <> '{batch_id}'"
            )
            stream = context.settings.sources[self.source].stream
            fields = stream.fields if stream else []
            bad = new_quarantine_rows(rejected, self.source, fields, before=before)
            context.lake.commit([Write(QUARANTINE, bad, [batch_id])])
        fault_point("after_quarantine")

    def _log_row(
        self,
        batch_id: str,
        number: int,
        started: dt.datetime,
        counts: Counts,
        watermark: dt.datetime | None,
    ) -> dict[str, Any]:
        """The row of the log without what the live tables add."""
        now = self.now()
        delay = None if watermark is None else (started - watermark).total_seconds()
        return {
            "source": self.source,
            "batch_id": batch_id,
            "number": number,
            "started_at": started,
            "rows_in": sum(int(r["rows"]) for r in counts.rows),
            "rows_kept": counts.of(KEPT),
            "rows_duplicate": counts.of(DUPLICATE),
            "rows_late": counts.of(QUARANTINED, is_late=True),
            "rows_quarantined": counts.of(QUARANTINED),
            "rows_left_out": counts.of(LEFT_OUT) + counts.of(ERASED),
            "watermark_at": watermark,
            "watermark_delay_seconds": delay,
            "duration_seconds": (now - started).total_seconds(),
        }


def engagement_line(live: LiveTables, newest: dt.datetime, levels: Sequence[str]) -> str:
    """Customers by level of engagement, and the newest event, as a line of the screen."""
    counts = ", ".join(f"{live.levels.get(level, 0):,} {level}" for level in levels)
    return f"up to {newest:%Y-%m-%d %H:%M} UTC: engagement of customers {counts}"


def in_zone(context: Context, zone: str) -> AbstractContextManager[None]:
    """Read times without a zone in a zone. DuckDB's session has that of the business day only."""
    return time_zone(context.spark, zone) if context.engine == "spark" else nullcontext()


def line(row: Mapping[str, Any]) -> str:
    """A row of the log as a line of the screen.

    >>> line({"number": 3, "rows_in": 12, "rows_kept": 9, "rows_duplicate": 2, "rows_late": 1,
    ...     "rows_quarantined": 0, "rows_left_out": 0, "contacts": 1, "duration_seconds": 2.25,
    ...     "backlog": None, "newest_event_at": None})
    'batch 3: 12 rows = 9 kept + 2 duplicates + 1 late + 0 quarantined; 1 contact; 2.2 s'
    """
    text = (
        f"batch {row['number']}: {plural(row['rows_in'], 'row')} = {row['rows_kept']:,} kept + "
        f"{plural(row['rows_duplicate'], 'duplicate')} + {row['rows_late']:,} late + "
        f"{row['rows_quarantined']:,} quarantined"
    )
    if row["rows_left_out"]:
        text += f" + {row['rows_left_out']:,} left out"
    text += f"; {plural(row['contacts'], 'contact')}; {row['duration_seconds']:.1f} s"
    if row["backlog"]:
        text += f"; backlog {plural(row['backlog'], 'message')}"
    return text
