"""bronze.stream_log: which micro-batches are written, and how far the events have come."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.live import STREAM_LOG
from runtime.lakehouse.writes import Write
from transforms.stream_rows import log_position
from udfs.micros import moment_of

if TYPE_CHECKING:
    from runtime.context import Context


def time_of(micros: int | None) -> dt.datetime | None:
    """A time (UTC) from microseconds since 1970."""
    return None if micros is None else moment_of(micros)


@dataclass
class Position:
    """How far a source has come.

    newest_event_at: of all written micro-batches; None: no event was kept yet. version: of the log
    when the position was read.
    """

    newest_event_at: dt.datetime | None
    written: frozenset[str]
    version: int | None

    def watermark(self, delay: dt.timedelta) -> dt.datetime | None:
        """Events before this time are late. None: no event was kept yet."""
        return None if self.newest_event_at is None else self.newest_event_at - delay


class StreamLog:
    """The log of one source. Its position is in memory until another process writes the log."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._position: Position | None = None

    def position(self, context: Context, batch_id: str = "") -> Position:
        """The position of the source. `written` has batch_id if that micro-batch is in the log."""
        version = context.lake.version(STREAM_LOG.name)
        known = self._position
        if known is None or known.version != version:
            own = context.read(STREAM_LOG.name).where(f"source = '{self.source}'")
            row = log_position(own, batch_id).collect()[0]
            written = {batch_id} if row["times"] else set()
            known = Position(time_of(row["newest"]), frozenset(written), version)
        return known

    def add(self, context: Context, row: dict[str, Any]) -> None:
        """Write the row of a micro-batch: from now on the micro-batch is known to be written."""
        frame = context.lake.frame(STREAM_LOG, [row])
        context.lake.commit([Write(STREAM_LOG, frame, [row["batch_id"]], is_checked=False)])
        version = context.lake.version(STREAM_LOG.name)
        self._position = Position(
            row["newest_event_at"], frozenset({str(row["batch_id"])}), version
        )
