"""From a message's CreateTime in Kafka to its row in gold, at a steady rate.

The broker, the producer and the stream share the two cores. Needs `bin/setup acceptance`.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from deltalake import DeltaTable

from benchmarks.measure import Section
from pipelines.streams import stream_run
from runtime.context import Context
from runtime.progress import Progress
from runtime.run_info import RunInfo
from runtime.settings import Settings, load
from tests.kafka_broker import Broker
from tests.unit.pipelines.streams.event_lake import SOURCE

CUSTOMERS, SECONDS, WARM_SECONDS = 5_000, 120, 45


def run(spark: Any, folder: Path) -> Section:
    """Measure 200 events per second."""
    section = Section(
        "Latency of a stream",
        f"Events of {CUSTOMERS:,} customers from Kafka for {SECONDS} s, after {WARM_SECONDS} s to "
        "warm up. Seconds from CreateTime to the commit of gold.engagement_live. Micro-batches "
        "start every 2 s. Broker, producer and stream run on the same cores.",
        ("events per second", "events", "micro-batches", "p50", "p99", "longest", "backlog at end"),
    )
    for rate in (200,):
        seconds, batches, backlog = latencies(spark, folder / str(rate), rate)
        p50, p99 = np.quantile(seconds, [0.5, 0.99])
        section.add(rate, len(seconds), batches, p50, p99, seconds.max(), backlog)
        section.reach(f"p99 at {rate} events per second", p99, 15, at_least=False)
    return section


def latencies(spark: Any, folder: Path, rate: int) -> tuple[np.ndarray, int, int]:
    """Seconds of each event, number of micro-batches, and messages left when the producer ended."""
    broker = Broker(folder / "kafka")
    broker.start()
    try:
        stop = threading.Event()
        settings = settings_of(folder / "lake", broker.servers)
        context = Context(settings, RunInfo("stream_events"), Progress(is_quiet=True))
        vars(context)["spark"] = spark
        producer = threading.Thread(target=produce, args=(spark, broker.servers, rate, stop))
        producer.start()
        stream = threading.Thread(target=stream_run.run, args=(context,))
        time.sleep(2)
        stream.start()
        time.sleep(WARM_SECONDS)
        warm = dt.datetime.now(dt.UTC)
        time.sleep(SECONDS)
        stop.set()
        producer.join()
        end = dt.datetime.now(dt.UTC)
        time.sleep(20)  # the last micro-batches
        for query in spark.streams.active:
            query.stop()
        stream.join(60)
        return measured(folder / "lake", warm, end)
    finally:
        broker.stop()


def settings_of(root: Path, servers: str) -> Settings:
    """A lake with one source of Kafka."""
    values = load("demo").model_dump()
    values["lakehouse"]["root"] = str(root)
    source = {**SOURCE, "format": "kafka", "path": None, "first_load_known": "arrival"}
    source["stream"] = {**SOURCE["stream"], "servers": servers, "topic": "events"}
    values["sources"] = {"live": source}
    values["stream"] |= {"interval_seconds": 2, "rules": []}
    return Settings(**values)


def produce(spark: Any, servers: str, rate: int, stop: threading.Event) -> None:
    """Send `rate` events per second until `stop`, by Kafka's own producer in the JVM."""
    jvm = spark._jvm
    options = jvm.java.util.Properties()
    text = "org.apache.kafka.common.serialization.StringSerializer"
    for key, value in {
        "bootstrap.servers": servers,
        "key.serializer": text,
        "value.serializer": text,
        "linger.ms": "5",
    }.items():
        options.setProperty(key, value)
    producer = jvm.org.apache.kafka.clients.producer.KafkaProducer(options)
    number, began = 0, time.monotonic()
    kinds = ("login", "page_view", "feature_use", "community_post")
    while not stop.is_set():
        while number < (time.monotonic() - began) * rate:
            kind = kinds[number % 4]
            event = {
                "customer_id": f"c{number * 7919 % CUSTOMERS}",
                "event_id": f"e{number}",
                "kind": kind,
                "occurred_at": (dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)).isoformat(),
                "session_id": f"s{number // 10}",
                "feature": f"f{number % 8}" if kind == "feature_use" else None,
            }
            record = jvm.org.apache.kafka.clients.producer.ProducerRecord(
                "events", json.dumps(event)
            )
            producer.send(record)
            number += 1
        time.sleep(0.02)
    producer.close()


def measured(root: Path, start: dt.datetime, end: dt.datetime) -> tuple[np.ndarray, int, int]:
    """Seconds from CreateTime to gold for the events that were sent between two times."""
    log = DeltaTable(root / "bronze" / "stream_log").to_pandas()
    written = log["started_at"] + (log["duration_seconds"] * 1e9).astype("timedelta64[ns]")
    events = DeltaTable(root / "silver" / "engagement_events").to_pandas(
        columns=["batch_id", "known_at"]
    )
    events = events.merge(log.assign(written=written)[["batch_id", "written"]], on="batch_id")
    sent = events[(events["known_at"] >= start) & (events["known_at"] < end)]
    seconds = (sent["written"] - sent["known_at"]).dt.total_seconds().to_numpy()
    unwritten = log[log["started_at"] <= end]["backlog"].dropna()
    return (
        seconds,
        int(sent["batch_id"].nunique()),
        int(unwritten.iloc[-1]) if len(unwritten) else 0,
    )
