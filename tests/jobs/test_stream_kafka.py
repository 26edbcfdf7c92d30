"""stream_events from a real Kafka broker: once each, over restarts of the broker and poison messages."""

from __future__ import annotations

import json
import threading
import time

import pytest

from pipelines.streams import stream_run
from pipelines.streams.stream_run import StreamOptions
from runtime.errors import SourceError
from tests.jobs.stream_lake import EventFolder, event, stored
from tests.kafka_broker import JARS, Broker

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]
NOW = StreamOptions(is_available_now=True)


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    if not JARS.exists():
        pytest.fail("there is no Kafka broker: run `bin/setup acceptance` (make acceptance does)")
    made = Broker(tmp_path_factory.mktemp("kafka"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def lake(make_context, tmp_path, broker, request):
    topic = f"events-{request.node.name[:20]}"
    stream = {"servers": broker.servers, "topic": topic}
    fast = {"kafka.request.timeout.ms": "3000", "kafka.default.api.timeout.ms": "4000"}
    folder = EventFolder(tmp_path, {"format": "kafka", "path": None, "options": fast})
    folder.source["stream"] = {**folder.source["stream"], **stream}
    folder.topic = topic
    folder.context = lambda **more: make_context(folder.root, **{**folder.overrides(), **more})
    return folder


def send(spark, broker, topic, messages):
    """Messages as bytes, in order, to partition 0 or 1 by their place."""
    rows = [(bytes(m) if isinstance(m, bytearray) else m, n % 2) for n, m in enumerate(messages)]
    frame = spark.createDataFrame(rows, "value binary, partition int").coalesce(1)
    options = {"kafka.bootstrap.servers": broker.servers, "topic": topic}
    frame.write.format("kafka").options(**options).save()


def as_json(made):
    return bytearray(json.dumps(made).encode())


def test_messages_are_written_once_and_poison_goes_to_quarantine(lake, broker, spark):
    good = [event(n, f"2026-01-10T12:{n:02d}:00Z") for n in range(20)]
    poison = [bytearray(b"\xff\xfe\x00"), None, bytearray(b"[]"), bytearray(b'{"event_id": "x')]
    send(spark, broker, lake.topic, [*map(as_json, good), *poison, as_json(good[0])])

    stream_run.run(lake.context(), NOW)

    (row,) = stored(lake.root, "bronze.stream_log", ())
    assert (row["rows_in"], row["rows_kept"], row["rows_duplicate"]) == (25, 20, 1)
    reasons = {r["reasons"] for r in stored(lake.root, "silver.quarantine")}
    assert reasons == {"malformed_row"} and row["rows_quarantined"] == 4
    send(spark, broker, lake.topic, [as_json(event(99, "2026-01-10T12:30:00Z"))])
    stream_run.run(lake.context(), NOW)
    assert len(stored(lake.root, "silver.engagement_events")) == 21


def test_a_missing_topic_is_one_sentence(lake, broker):
    lake.source["stream"]["topic"] = "absent"

    with pytest.raises(SourceError) as caught:
        stream_run.run(lake.context(), NOW)

    assert str(caught.value) == (
        f"source live: the topic absent does not exist at {broker.servers}. Create it, or fix the "
        "topic in conf."
    )


def test_the_stream_goes_on_when_the_broker_returns(lake, broker, spark):
    lake.stream |= {"restart_seconds": 1.0, "restarts": 30}
    send(spark, broker, lake.topic, [as_json(event(n, "2026-01-10T12:00:00Z")) for n in range(9)])
    broker.stop()
    again = threading.Timer(12.0, broker.start)
    again.start()
    warnings = []
    context = lake.context()
    context.progress.warn = warnings.append

    began = time.monotonic()
    stream_run.run(context, NOW)

    again.join()
    assert len(stored(lake.root, "silver.engagement_events")) == 9
    assert time.monotonic() - began < 120
    assert warnings and all("do not answer" in w for w in warnings), warnings
