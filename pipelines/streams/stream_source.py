"""The messages of a source, as a streaming frame: value (text), place and arrived_at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.errors import SourceError, UsageError
from runtime.files import Location
from runtime.settings.source_paths import resolve
from runtime.suggestions import did_you_mean
from transforms.stream_rows import file_messages, kafka_messages

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from runtime.settings import Settings
    from runtime.settings.sources import SourceSettings


def chosen_source(settings: Settings, wanted: str | None) -> str:
    """The source to read. UsageError: there is none, or several and none is chosen."""
    names = [name for name, source in settings.sources.items() if source.stream is not None]
    if not names:
        raise UsageError(
            f"conf/{settings.env}.yaml: no source has a section stream, so there is nothing to "
            "read. docs/streams.md shows one."
        )
    if wanted is None and len(names) > 1:
        raise UsageError(
            f"conf/{settings.env}.yaml: the sources {', '.join(names)} have a section stream, and "
            "a process reads one. Name it with --source."
        )
    if wanted is not None and wanted not in names:
        raise UsageError(
            f"--source {wanted}: must be a source with a section stream. Such sources are: "
            f"{', '.join(names)}.{did_you_mean(wanted, names)}"
        )
    return wanted or names[0]


def messages(spark: SparkSession, settings: Settings, name: str) -> DataFrame:
    """One row per message of the topic, or per line of the files, as they arrive."""
    source = settings.sources[name]
    if source.format == "kafka":
        return _of_kafka(spark, settings, source)
    return _of_files(spark, settings, name, source)


def _of_files(
    spark: SparkSession, settings: Settings, name: str, source: SourceSettings
) -> DataFrame:
    folder = resolve(name, source.path or "")
    place = Location.of(folder)
    is_pattern = any(sign in folder for sign in "*?[{")
    if not is_pattern and not place.is_remote and not place.is_folder:
        raise SourceError(
            f"source {name}: the folder {source.path} does not exist. Create it, or fix "
            f"sources.{name}.path in conf."
        )
    reader = spark.readStream.format("text").options(**source.reader_options)
    lines = reader.option("maxFilesPerTrigger", settings.stream.files_a_batch).load(folder)
    return file_messages(lines)


def _of_kafka(spark: SparkSession, settings: Settings, source: SourceSettings) -> DataFrame:
    assert source.stream is not None
    given = {
        "startingOffsets": "earliest",
        **source.reader_options,
        "kafka.bootstrap.servers": source.stream.servers or "",
        "subscribe": source.stream.topic or "",
        "maxOffsetsPerTrigger": str(settings.stream.events_a_batch),
    }
    read = spark.readStream.format("kafka").options(**given).load()
    return kafka_messages(read)
