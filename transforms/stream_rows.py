"""The events of one micro-batch: from JSON to the rows of a source, and which of them are late."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import DataFrame, Window, functions as F

from contracts.rules import KEPT, LATE, QUARANTINED
from contracts.table import Table
from transforms.quality import quarantine_rows

# Bytes that are no UTF-8 become U+FFFD, which a rule of the table refuses.
TEXT = "make_valid_utf8(CAST(value AS string))"


def file_messages(lines: DataFrame) -> DataFrame:
    """One row per line of a text source that is not blank: value, place and arrived_at."""
    named = lines.select(
        F.expr(TEXT).alias("value"),
        F.col("_metadata.file_name").alias("place"),
        F.col("_metadata.file_modification_time").alias("arrived_at"),
    )
    return named.where("trim(value) <> ''")


def kafka_messages(records: DataFrame) -> DataFrame:
    """One row per record of a topic: value, place and arrived_at."""
    place = F.concat_ws("-", "topic", F.col("partition").cast("string"), F.col("offset"))
    return records.select(
        F.expr(TEXT).alias("value"), place.alias("place"), F.col("timestamp").alias("arrived_at")
    )


def source_rows(
    messages: DataFrame, fields: Sequence[str], *, batch_id: str, is_history: bool
) -> DataFrame:
    """One row per message: the fields as texts, and what transforms.silver_rows carries.

    `messages` has value (the JSON text), place (file, or topic, partition and offset) and
    arrived_at. A field that the message lacks is null. A message that is no JSON object is
    malformed; `_malformed` has its text. is_history: known_at is the time of the event.
    """
    parsed = messages.withColumn("_fields", F.from_json("value", "map<string,string>"))
    rows = parsed.select(
        *[F.element_at("_fields", F.lit(name)).alias(name) for name in fields],
        F.lit(None).cast("string").alias("_rescued"),
        F.when(F.col("_fields").isNull(), F.coalesce("value", F.lit(""))).alias("_malformed"),
        F.array().cast("array<string>").alias("_type_changes"),
        F.lit(batch_id).alias("_batch_id"),
        F.col("place").alias("_file"),
        F.col("arrived_at").alias("_known_at"),
        F.lit(0).alias("_rank"),
        F.lit(is_history).alias("_is_history"),
        F.lit(None).cast("string").alias("_row_id"),
    )
    return rows


def moment(time: dt.datetime) -> str:
    """A time as SQL, whatever the zone of the session.

    >>> moment(dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC))
    "CAST('2026-01-02 03:04:05.000000Z' AS timestamp)"
    """
    return f"CAST('{time.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S.%f}Z' AS timestamp)"


def with_late(labelled: DataFrame, watermark: dt.datetime | None) -> DataFrame:
    """Quarantine the kept rows that occurred before the watermark. None: no row is late.

    A duplicate stays a duplicate, however late it is.
    """
    if watermark is None:
        return labelled
    is_late = (F.col("_outcome") == KEPT) & F.expr(f"occurred_at < {moment(watermark)}")
    return labelled.withColumns(
        {
            "_outcome": F.when(is_late, F.lit(QUARANTINED)).otherwise(F.col("_outcome")),
            "_errors": F.when(is_late, F.lit(LATE)).otherwise(F.col("_errors")),
        }
    )


def outcome_counts(labelled: DataFrame) -> DataFrame:
    """One row per outcome, reason, day and product feature: rows, and the newest event in it.

    newest: microseconds since 1970.
    """
    is_use = F.col("kind") == "feature_use"
    return (
        labelled.select(
            F.col("_outcome").alias("outcome"),
            F.coalesce(F.col("_errors") == LATE, F.lit(False)).alias("is_late"),
            F.col("occurred_at").cast("date").alias("day"),
            F.when(is_use & (F.col("_outcome") == KEPT), F.col("feature")).alias("feature"),
            F.expr("unix_micros(occurred_at)").alias("micros"),
        )
        .groupBy("outcome", "is_late", "day", "feature")
        .agg(F.count("*").alias("rows"), F.max("micros").alias("newest"))
    )


def new_quarantine_rows(
    rejected: DataFrame, source: str, fields: Sequence[str], *, before: DataFrame
) -> DataFrame:
    """The rows of silver.quarantine for rejected messages. A repeated message has one row.

    fields: those of the source. before: rows of other micro-batches of this source in
    silver.quarantine. After the checkpoint was lost, the same messages are read again.
    """
    rows = quarantine_rows(rejected, source, fields)
    first = Window.partitionBy("row").orderBy("row_id")
    turns = rows.select("*", F.row_number().over(first).alias("turn")).where(F.col("turn") == 1)
    known = before.select("row_id").distinct()
    return (
        turns.select(*rows.columns).join(known, on="row_id", how="left_anti").select(*rows.columns)
    )


def oldest_event(flagged: DataFrame) -> DataFrame:
    """One row: at, the oldest event in microseconds since 1970; null: no row has a time."""
    return flagged.agg(F.min(F.expr("unix_micros(occurred_at)")).alias("at"))


def log_position(log: DataFrame, batch_id: str) -> DataFrame:
    """One row: newest, the newest event of all micro-batches of bronze.stream_log (microseconds).

    times: how often the log has the micro-batch.
    """
    return log.agg(
        F.max(F.expr("unix_micros(newest_event_at)")).alias("newest"),
        F.count(F.when(F.col("batch_id") == batch_id, 1)).alias("times"),
    )


def events_between(
    events: DataFrame, table: Table, *, start: dt.datetime, end: dt.datetime
) -> DataFrame:
    """The rows of a table whose event lies in [start, end)."""
    at = table.event_time
    return events.where(f"{at} >= {moment(start)} AND {at} < {moment(end)}")
