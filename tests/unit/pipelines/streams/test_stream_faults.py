"""What Spark says when a stream ends, as one sentence."""

from __future__ import annotations

import pytest

from pipelines.streams.stream_faults import explained
from runtime.errors import BusyError

NAMES = {"source": "live", "topic": "events", "servers": "kafka:9092", "checkpoint": "/lake/c/live"}
STACK = "\n\tat org.apache.spark.rdd.RDD.computeOrReadCheckpoint(RDD.scala:374)"
FILES = {**NAMES, "topic": "", "servers": ""}


@pytest.mark.parametrize(
    ("said", "expected", "is_passing"),
    [
        (
            "java.io.IOException: No space left on device" + STACK,
            "source live: no space is left for the checkpoint or the tables. Free space. Nothing is "
            "lost: the stream continues with the micro-batch that failed.",
            True,
        ),
        (
            "org.apache.kafka.common.errors.UnknownTopicOrPartitionException: This server does not "
            "host this topic-partition.",
            "source live: the topic events does not exist at kafka:9092. Create it, or fix the topic "
            "in conf.",
            False,
        ),
        (
            "org.apache.kafka.common.errors.TimeoutException: Timed out waiting for a node "
            "assignment. Call: describeTopics",
            "source live: the Kafka servers kafka:9092 do not answer.",
            True,
        ),
        (
            "java.lang.IllegalStateException: Incomplete log file in the offset log",
            "source live: the checkpoint cannot be read. Delete the folder /lake/c/live and start "
            "again: the tables stay, all messages of the source are read again, and those that are "
            "in silver are dropped as duplicates.",
            False,
        ),
        (
            "java.lang.ArithmeticException: divide by zero" + STACK,
            "source live: the stream ended: java.lang.ArithmeticException: divide by zero. Start it "
            "again: it continues after the last micro-batch in bronze.stream_log.",
            False,
        ),
    ],
)
def test_an_error_of_spark_is_one_sentence(said, expected, is_passing):
    error, passes = explained(RuntimeError(said), **NAMES)
    assert (str(error), passes) == (expected, is_passing)


def test_a_source_of_files_is_not_told_about_kafka():
    error, passes = explained(
        RuntimeError("java.net.ConnectException: Connection refused"), **FILES
    )
    assert "Kafka" not in str(error) and not passes


def test_an_error_for_the_user_is_passed_on():
    error = BusyError("ingest holds silver.engagement_events.")
    assert explained(error, **NAMES) == (error, False)
