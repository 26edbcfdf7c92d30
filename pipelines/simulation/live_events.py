"""Play the events of a simulated company to the source of a stream, faster than they happened."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.simulation.company_files import simulated_world
from pipelines.streams.stream_source import chosen_source
from runtime.context import Context
from runtime.errors import UsageError
from runtime.files import Location
from runtime.wording import plural
from simulator.live import deliveries
from simulator.world import DAYS, FIRST_DAY

if TYPE_CHECKING:
    import pandas as pd

# Days of events that are delivered at once before the first live one: the score needs 30.
DAYS_BEFORE = 32
Send = Callable[[Sequence[str], str], None]


@dataclass(frozen=True)
class LiveOptions:
    """Options of `simulate_events`.

    source: as for stream_events. clock_factor: simulated seconds per second. hours: of the
    simulated clock that are played. start: its first moment (UTC); None: the last day of the
    company. tick_seconds: messages are sent so often.
    """

    source: str | None = None
    clock_factor: float = 60.0
    hours: float = 24.0
    start: dt.datetime | None = None
    tick_seconds: float = 1.0


def check_options(options: LiveOptions) -> None:
    """UsageError for an option that is out of range."""
    for name, value in (
        ("--clock-factor", options.clock_factor),
        ("--hours", options.hours),
        ("--tick-seconds", options.tick_seconds),
    ):
        if not value > 0:
            raise UsageError(f"{name} {value:g}: must be above 0, such as 60.")


def run(context: Context, options: LiveOptions = LiveOptions()) -> None:
    """Deliver the events of the days before, then play the clock. Ctrl-C ends it."""
    world = simulated_world(context)
    name = chosen_source(context.settings, options.source)
    start, end = _span(options)
    messages = deliveries(world, max(0.0, start - DAYS_BEFORE), end)
    send = _sender(context, name)
    early = messages[messages["at"] < start]
    if len(early):
        send(early["value"].tolist(), f"{_moment(start):%Y%m%dT%H%M%S}-before")
    context.progress.say(
        f"      sent {plural(len(early), 'message')} of the days before {_moment(start):%Y-%m-%d}"
    )
    try:
        sent = play(messages[messages["at"] >= start], (start, end), options, send=send)
    except KeyboardInterrupt:
        return context.progress.say("      stopped")
    return context.progress.say(f"      sent {plural(sent, 'message')} up to {_moment(end)} UTC")


def play(
    messages: pd.DataFrame, span: tuple[float, float], options: LiveOptions, *, send: Send
) -> int:
    """Send each message when the clock reaches its delivery; the number of messages."""
    (start, end), began, done = span, time.monotonic(), 0
    while True:
        passed = (time.monotonic() - began) * options.clock_factor / 86_400
        clock = min(start + passed, end)
        due = int(messages["at"].searchsorted(clock))
        if due > done:
            values = messages["value"].iloc[done:due].tolist()
            send(values, f"{_moment(clock):%Y%m%dT%H%M%S%f}")
            done = due
        if clock >= end:
            return done
        time.sleep(options.tick_seconds)


def _span(options: LiveOptions) -> tuple[float, float]:
    """First and last moment of the clock, in days since FIRST_DAY."""
    zero = dt.datetime.combine(FIRST_DAY, dt.time(), dt.UTC)
    start = DAYS - 1.0
    if options.start is not None:
        start = (options.start - zero).total_seconds() / 86_400
    if not 0 <= start < DAYS:
        raise UsageError(
            f"--start {options.start}: must lie in the life of the simulated company, "
            f"{FIRST_DAY} to {FIRST_DAY + dt.timedelta(days=DAYS - 1)}."
        )
    return start, min(start + options.hours / 24, float(DAYS))


def _moment(days: float) -> dt.datetime:
    return dt.datetime.combine(FIRST_DAY, dt.time()) + dt.timedelta(days=days)


def _sender(context: Context, name: str) -> Send:
    """What delivers messages to the source: a new file each time, or Kafka."""
    source = context.settings.sources[name]
    if source.format == "kafka":
        return _to_kafka(context, name)
    folder = Location.of(source.path or "")

    def to_files(values: Sequence[str], title: str) -> None:
        # The file appears whole: Spark reads it once.
        (folder / f"{title}.json").write(("\n".join(values) + "\n").encode())

    return to_files


def _to_kafka(context: Context, name: str) -> Send:
    stream = context.settings.sources[name].stream
    assert stream is not None
    options = {
        "kafka.bootstrap.servers": stream.servers or "",
        "topic": stream.topic or "",
        **context.settings.sources[name].reader_options,
    }

    def to_kafka(values: Sequence[str], title: str) -> None:
        rows = context.spark.createDataFrame([(value,) for value in values], "value string")
        rows.coalesce(1).write.format("kafka").options(**options).save()

    return to_kafka
