"""What Spark says when a stream ends with an error, as one sentence with its fix."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.errors import HoldfastError, SourceError, UsageError


@dataclass(frozen=True)
class Fault:
    """A known error of a stream. signs: texts of which Spark's message has one.

    is_passing: it may pass by itself, so the stream starts again.
    """

    signs: tuple[str, ...]
    text: str
    is_passing: bool = False
    kind: type[HoldfastError] = SourceError


_REPAIR = (
    "Delete the folder {checkpoint} and start again: the tables stay, all messages of the source "
    "are read again, and those that are in silver are dropped as duplicates."
)
FAULTS = (
    Fault(
        ("No space left on device", "Disk quota exceeded"),
        "no space is left for the checkpoint or the tables. Free space. Nothing is lost: the "
        "stream continues with the micro-batch that failed",
        is_passing=True,
        kind=HoldfastError,
    ),
    Fault(
        ("Failed to find data source: kafka", "DATA_SOURCE_NOT_FOUND"),
        "Spark lacks the JARs for Kafka. Run `bin/setup kafka` in a checkout, or give spark-submit "
        "--packages org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0",
        kind=UsageError,
    ),
    Fault(
        ("UnknownTopicOrPartition", "UNKNOWN_TOPIC_OR_PARTITION", "TopicExistsException"),
        "the topic {topic} does not exist at {servers}. Create it, or fix the topic in conf",
    ),
    Fault(
        ("KAFKA_DATA_LOSS", "OffsetOutOfRange", "data may have been lost", "PARTITIONS_LOST"),
        "messages of the topic {topic} were deleted before they were read. Load them from another "
        "copy as files of a source. Then set sources.{source}.options.failOnDataLoss: false to "
        "read on from the oldest message that is left",
    ),
    Fault(
        ("SaslAuthentication", "SslAuthentication", "TopicAuthorization", "GroupAuthorization"),
        "the Kafka servers {servers} refuse the user. Check the options of the source",
        kind=UsageError,
    ),
    Fault(
        (
            *("kafka.common.errors.TimeoutException", "Timed out waiting for a node assignment"),
            *(
                "Connection refused",
                "DisconnectException",
                "BrokerNotAvailable",
                "NetworkException",
            ),
            *("LeaderNotAvailable", "NotLeaderOrFollower", "No resolvable bootstrap urls"),
            "Failed to create new KafkaAdminClient",
        ),
        "the Kafka servers {servers} do not answer",
        is_passing=True,
    ),
    Fault(
        (
            *("Incomplete log file", "Failed to read log file", "Malformed log file"),
            *("MALFORMED_LOG", "OffsetSeq", "unsupported log version", "STREAMING_CHECKPOINT"),
            *("MalformedInputException", "EOFException", "JsonParseException", "JsonEOFException"),
            *("MappingException", "MismatchedInputException", "JSONDecodeError"),
        ),
        f"the checkpoint cannot be read. {_REPAIR.rstrip('.')}",
        kind=HoldfastError,
    ),
)


def explained(error: Exception, **names: str) -> tuple[HoldfastError, bool]:
    """The error for the user, and whether the stream may start again by itself.

    names: source, topic, servers, checkpoint, as the texts of FAULTS name them.
    """
    if isinstance(error, HoldfastError):
        return error, False
    # The lines of a stack trace name classes that have nothing to do with the error.
    lines = [line for line in str(error).splitlines() if not line.lstrip().startswith("at ")]
    text = "\n".join([type(error).__name__, *lines])
    of_kafka = ("{servers}", "{topic}")
    for fault in FAULTS:
        if not names["servers"] and any(name in fault.text for name in of_kafka):
            continue
        if any(sign.lower() in text.lower() for sign in fault.signs):
            said = fault.text.format(**names)
            return fault.kind(f"source {names['source']}: {said}."), fault.is_passing
    first = next((line.strip() for line in lines if line.strip()), repr(error))
    return (
        HoldfastError(
            f"source {names['source']}: the stream ended: {first[:300].rstrip('.')}. Start it "
            "again: it continues after the last micro-batch in bronze.stream_log."
        ),
        False,
    )
