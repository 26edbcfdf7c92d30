"""From a message's CreateTime in Kafka to its row in gold, at steady rates.

The broker, the producer and the stream share the two cores. Needs `bin/setup acceptance`.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deltalake import DeltaTable
from pyspark.sql import functions as F

from benchmarks.measure import Section
from tests.kafka_broker import Broker
from tests.unit.pipelines.streams.event_lake import SOURCE

CUSTOMERS, WARM_SECONDS = 5_000, 60
# Events per second, seconds, and the goal for the 99th percentile.
RATES = ((200, 180, 15), (5_000, 600, 30))
KINDS = ("login", "page_view", "feature_use", "community_post")
HOLDFAST = ("-P", "-c", "from jobs import main; main()")


def run(spark: Any, folder: Path) -> Section:
    """Measure each rate with a topic, a lake and a stream of its own."""
    section = Section(
        "Latency of a stream",
        f"Events of {CUSTOMERS:,} customers from Kafka, after {WARM_SECONDS} s to warm up. Seconds "
        "from CreateTime to the end of the micro-batch that wrote gold.engagement_live. "
        "Micro-batches start every 2 s. Broker, producer and stream run on the same cores.",
        (
            "events per second",
            "seconds",
            "events in gold",
            "micro-batches",
            "p50",
            "p99",
            "longest",
            "backlog at half",
            "backlog at end",
        ),
    )
    for rate, seconds, goal in RATES:
        took, batches, backlogs = latencies(spark, folder / str(rate), rate, seconds)
        p50, p99 = np.quantile(took, [0.5, 0.99])
        section.add(rate, seconds, len(took), batches, p50, p99, took.max(), *backlogs)
        section.reach(f"p99 at {rate} events per second", p99, goal, at_least=False)
    return section


def latencies(
    spark: Any, folder: Path, rate: int, seconds: int
) -> tuple[np.ndarray, int, tuple[int, int]]:
    """Seconds of each event, number of micro-batches, and the backlog half-way and at the end."""
    broker = Broker(folder / "kafka")
    broker.start()
    try:
        producer = produce(spark, broker.servers, rate, folder / "producer")
        time.sleep(5)  # the first message creates the topic
        with (folder / "stream.log").open("w") as log:
            stream = subprocess.Popen(
                [sys.executable, *HOLDFAST, "stream_events", *write_conf(folder, broker.servers)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])},
            )
            time.sleep(WARM_SECONDS)
            start = dt.datetime.now(dt.UTC)
            time.sleep(seconds)
            end = dt.datetime.now(dt.UTC)
            producer.stop()
            time.sleep(45)  # the last micro-batches
            stream.terminate()
            stream.wait(120)
        return measured(folder / "lake", start, end)
    finally:
        broker.stop()


def write_conf(folder: Path, servers: str) -> list[str]:
    """A conf folder with one source of Kafka; the arguments that name it."""
    source = {**SOURCE, "format": "kafka", "path": None, "first_load_known": "arrival"}
    source["stream"] = {**SOURCE["stream"], "servers": servers, "topic": "events"}
    values = {
        "lakehouse": {"root": str(folder / "lake")},
        "sources": {"live": source},
        "stream": {"interval_seconds": 2, "rules": []},
    }
    (folder / "conf").mkdir(parents=True)
    (folder / "conf" / "bench.yaml").write_text(json.dumps(values))
    return ["--env", "bench", "--conf-dir", str(folder / "conf")]


def produce(spark: Any, servers: str, rate: int, checkpoint: Path) -> Any:
    """Send `rate` events per second until the query is stopped, in steps of a second."""
    number = F.col("value")
    kind = F.element_at(F.array(*map(F.lit, KINDS)), (number % len(KINDS) + 1).cast("int"))
    feature = F.concat(F.lit("f"), number % 8)
    event = F.struct(
        F.concat(F.lit("c"), number * 7919 % CUSTOMERS).alias("customer_id"),
        F.concat(F.lit("e"), number).alias("event_id"),
        kind.alias("kind"),
        F.date_format("timestamp", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX").alias("occurred_at"),
        F.concat(F.lit("s"), F.floor(number / 10)).alias("session_id"),
        F.when(kind == "feature_use", feature).alias("feature"),
    )
    return (
        spark.readStream.format("rate")
        .option("rowsPerSecond", rate)
        .load()
        .select(F.to_json(event).alias("value"))
        .writeStream.format("kafka")
        .option("kafka.bootstrap.servers", servers)
        .option("topic", "events")
        .option("checkpointLocation", str(checkpoint))
        .trigger(processingTime="1 second")
        .start()
    )


def measured(
    root: Path, start: dt.datetime, end: dt.datetime
) -> tuple[np.ndarray, int, tuple[int, int]]:
    """Seconds from CreateTime to gold for the events that were sent between two times."""
    log = DeltaTable(root / "bronze" / "stream_log").to_pandas()
    written = log["started_at"] + (log["duration_seconds"] * 1e9).astype("timedelta64[ns]")
    events = DeltaTable(root / "silver" / "engagement_events").to_pandas(
        columns=["batch_id", "known_at"]
    )
    events = events.merge(log.assign(written=written)[["batch_id", "written"]], on="batch_id")
    sent = events[(events["known_at"] >= start) & (events["known_at"] < end)]
    seconds = (sent["written"] - sent["known_at"]).dt.total_seconds().to_numpy()
    half = start + (end - start) / 2
    return seconds, int(sent["batch_id"].nunique()), (backlog_at(log, half), backlog_at(log, end))


def backlog_at(log: pd.DataFrame, moment: dt.datetime) -> int:
    """Messages that no micro-batch had read at a moment, by the last one that started before."""
    known = log[log["started_at"] <= moment].sort_values("started_at")["backlog"].dropna()
    return int(known.iloc[-1]) if len(known) else 0
