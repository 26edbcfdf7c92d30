"""Read the events of one source as they arrive, micro-batch by micro-batch."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contracts.live import STREAM_LOG
from pipelines.ingestion import source_checks
from pipelines.ingestion.row_outcomes import null_on_failure
from pipelines.streams.micro_batch import MicroBatches, engagement_line, line
from pipelines.streams.stream_faults import explained
from pipelines.streams.stream_source import chosen_source, messages
from runtime.context import Context
from runtime.errors import BusyError, HoldfastError
from runtime.files import Location
from runtime.lakehouse.platform import session_of_its_own
from runtime.lakehouse.spark_lake import SparkLake
from runtime.lakehouse.upkeep import compact
from runtime.wording import plural
from transforms.stream_rows import source_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.streaming import StreamingQuery

LONGEST_WAIT_SECONDS = 60.0
POLL_SECONDS = 0.3


@dataclass(frozen=True)
class StreamOptions:
    """Options of `stream_events`.

    source: the source to read; None: the only one with a section stream. is_available_now: read
    what there is, then end.
    """

    source: str | None = None
    is_available_now: bool = False


def run(context: Context, options: StreamOptions = StreamOptions()) -> None:
    """Read events until the process is stopped, or with is_available_now what there is.

    An error that may pass starts the stream again. Any other one ends it: HoldfastError.
    """
    source_checks.check_streams(context.settings)
    stream = EventStream(context, chosen_source(context.settings, options.source), options)
    try:
        _run(context, stream)
    except KeyboardInterrupt:
        context.progress.say("      stopped")


def _run(context: Context, stream: EventStream) -> None:
    """Start the stream, and start it again after an error that may pass."""
    failures = 0
    while True:
        failed = stream.failure()
        if failed is None:
            return
        error, is_passing, batches = failed
        failures = 1 if batches else failures + 1
        if not is_passing or failures > context.settings.stream.restarts:
            raise error
        wait = context.settings.stream.restart_seconds * 2.0 ** (failures - 1)
        wait = min(wait, LONGEST_WAIT_SECONDS)
        context.progress.warn(f"{error} The stream starts again in {wait:.0f} s.")
        time.sleep(wait)


@dataclass
class EventStream:
    """The stream of one source. Each start has a session of its own."""

    context: Context
    source: str
    options: StreamOptions
    _errors: list[Exception] = field(default_factory=list)

    @property
    def checkpoint_folder(self) -> Location:
        """The folder of Spark's checkpoint of this source."""
        settings = self.context.settings
        folder = settings.stream.checkpoints
        return (Location.of(folder) if folder else settings.root / "checkpoints") / self.source

    def failure(self) -> tuple[HoldfastError, bool, int] | None:
        """Run until the end. None: it ended as it should.

        Otherwise the error, whether it may pass, and the number of micro-batches before it.
        """
        self._errors.clear()
        sink = Sink(self)
        stream = self.context.settings.sources[self.source].stream
        names = {
            "source": self.source,
            "topic": (stream and stream.topic) or "",
            "servers": (stream and stream.servers) or "",
            "checkpoint": str(self.checkpoint_folder),
        }
        try:
            query = self._start(sink)
            try:
                # Ctrl-C while py4j waits for an answer would print its stack traces.
                while query.isActive:
                    time.sleep(POLL_SECONDS)
                query.awaitTermination()
            finally:
                query.stop()
        except HoldfastError as error:
            return error, isinstance(error, BusyError), sink.batches
        except Exception as error:  # pyspark's class differs between classic and Connect
            cause = self._errors[-1] if self._errors else error
            said, is_passing = explained(cause, **names)
            return said, is_passing or isinstance(cause, BusyError), sink.batches
        return None

    def _start(self, sink: Sink) -> StreamingQuery:
        settings = self.context.settings.stream
        session = session_of_its_own(self.context.spark)
        with null_on_failure(session):
            own = self.context.in_session(session)
            sink.refresh(own)
            trigger: dict[str, Any] = (
                {"availableNow": True}
                if self.options.is_available_now
                else {"processingTime": f"{settings.interval_seconds} seconds"}
            )
            sink.query = (
                messages(session, self.context.settings, self.source)
                .writeStream.queryName(f"stream_events_{self.source}")
                .option("checkpointLocation", str(self.checkpoint_folder))
                .foreachBatch(sink.write)
                .trigger(**trigger)
                .start()
            )
            return sink.query


def backlog_of(query: StreamingQuery | None) -> int | None:
    """Messages of Kafka that no micro-batch has read, when the last one ended. None: unknown."""
    progress = query.lastProgress if query is not None else None
    if progress is None:
        return None
    return unread(json.loads(progress if isinstance(progress, str) else progress.json))


def unread(progress: dict[str, Any]) -> int | None:
    """The messages between the end of the last micro-batch and the end of the topic.

    >>> unread({"sources": [{"endOffset": {"t": {"0": 5}}, "latestOffset": {"t": {"0": 9}}}]})
    4
    >>> unread({"sources": [{"endOffset": {"logOffset": 1}, "latestOffset": None}]})
    """
    source = progress["sources"][0]
    ends, latest = source.get("endOffset"), source.get("latestOffset")
    if not isinstance(ends, dict) or not isinstance(latest, dict):
        return None
    return sum(
        offset - ends.get(topic, {}).get(partition, 0)
        for topic, partitions in latest.items()
        for partition, offset in partitions.items()
    )


class Sink:
    """What Spark calls for each micro-batch of one start of the stream."""

    def __init__(self, stream: EventStream) -> None:
        self.stream, self.batches = stream, 0
        self.query: StreamingQuery | None = None
        self._micro: MicroBatches | None = None
        self._context: Context | None = None

    def refresh(self, context: Context) -> None:
        """Bring the live tables up to silver before the first micro-batch."""
        MicroBatches(self.stream.source, "").refresh(context)

    def write(self, frame: DataFrame, number: int) -> None:
        """Apply one micro-batch. An error is kept: Spark passes on only its text."""
        try:
            with null_on_failure(frame.sparkSession):
                self._write(frame, number)
        except Exception as error:
            self.stream._errors.append(error)
            raise

    def _write(self, frame: DataFrame, number: int) -> None:
        context = self._of(frame)
        micro = self._micro = self._micro or self._first()
        name, settings = self.stream.source, context.settings
        source = settings.sources[name]
        assert source.stream is not None
        rows = source_rows(
            frame,
            source.stream.fields,
            batch_id=micro.batch_id(number),
            is_history=source_checks.is_history_known(settings, name),
        )
        row = micro.apply(context, rows, number, backlog=backlog_of(self.query))
        if row is None:
            context.progress.say(f"      batch {number}: written by an earlier run")
            return
        self.batches += 1
        context.progress.say(f"      {line(row)}")
        if newest := row["newest_event_at"]:
            levels = [band.level for band in settings.stream.levels]
            context.progress.say(f"        {engagement_line(micro.live, newest, levels)}")
        if self.batches % settings.stream.compact_batches == 0:
            self._compact(context)

    def _of(self, frame: DataFrame) -> Context:
        """The context in the session of Spark's micro-batches, which is one for the whole start."""
        if self._context is None:
            self._context = self.stream.context.in_session(frame.sparkSession)
        return self._context

    def _first(self) -> MicroBatches:
        content = (self.stream.checkpoint_folder / "metadata").read() or b"{}"
        return MicroBatches(self.stream.source, str(json.loads(content)["id"]))

    def _compact(self, context: Context) -> None:
        """Rewrite the small files of the micro-batches. Other tables are replaced each time."""
        lake = context.lake
        assert isinstance(lake, SparkLake)
        for name in ("silver.engagement_events", STREAM_LOG.name):
            with context.leases.on([name]):
                compact(lake, name)
        if self._micro is not None:
            self._micro.compacted(context)
        context.progress.say(f"      compacted after {plural(self.batches, 'micro-batch')}")
