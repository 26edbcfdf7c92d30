"""Read the sources: list their files, and make frames of the new ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException

from contracts.rules import UNREADABLE
from pipelines.ingestion.bad_files import BadFile
from pipelines.ingestion.file_parts import file_parts
from pipelines.ingestion.file_scans import FileScans, reading_options
from pipelines.ingestion.read_errors import FileReadError, explained, reading_file
from pipelines.ingestion.source_files import (
    PATH,
    TABLE_FORMATS,
    Part,
    SourceFile,
    batch_id,
    named,
)
from pipelines.ingestion.table_sources import delta_part, jdbc_part
from pipelines.ingestion.text_scan import Fault
from runtime.errors import UsageError
from runtime.file_systems import scheme_of, store_error
from runtime.settings.source_paths import no_file, resolve

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from runtime.settings.sources import LookupSettings, SourceSettings


@dataclass(frozen=True)
class NewFiles:
    """The new files of a source, at most as many as one run takes.

    parts: the readable ones, grouped by their columns. bad: those that broke a rule for files.
    waiting: new files over the limit.
    """

    parts: list[Part]
    bad: list[BadFile] = field(default_factory=list)
    waiting: int = 0


def listed_files(spark: SparkSession, name: str, source: SourceSettings) -> list[SourceFile]:
    """Every file of a source, oldest first; none for a table.

    UsageError if there is no file. A source of fetch_sources may have none yet.
    """
    if source.format in TABLE_FORMATS:
        return []
    try:
        with explained(name):
            return list_files(spark, name, source.path or "")
    except UsageError:
        if source.fetch is None:
            raise
        return []


def new_files(
    scans: FileScans,
    name: str,
    source: SourceSettings,
    *,
    files: Sequence[SourceFile],
    known: Collection[str],
    limit: int,
    keep: Callable[[DataFrame], DataFrame],
    least: int | str | None = None,
) -> NewFiles:
    """The first `limit` of the source's files whose batch is not in `known`.

    keep: `Lake.keep`, for the rows of a database. least: the cursor from which they are read.

    FileReadError if Spark cannot read a file that passed its scan.
    """
    with explained(name):
        if source.format in TABLE_FORMATS:
            if source.format == "jdbc":
                part = jdbc_part(scans.spark, name, source, keep=keep, least=least)
            else:
                part = delta_part(scans.spark, name, source)
            return NewFiles([] if part.files[0].batch_id in known else [part])
        new = [f for f in files if f.batch_id not in known]
        parts, bad = file_parts(scans, name, source, files=new[:limit])
    return NewFiles(parts, bad, max(0, len(new) - limit))


def confirmed_failure(
    scans: FileScans, source: SourceSettings, files: Sequence[SourceFile], *, error: FileReadError
) -> BadFile:
    """The file that Spark could not read, after a second try to read it alone.

    The error itself if the second try succeeds, or if the file is not one of `files`.
    """
    for file in (f for f in files if _comparable(f.path) == _comparable(error.path)):
        options = reading_options(source, scans.limits)
        reader = scans.spark.read.format(source.format).options(**options)
        try:
            with reading_file(file):
                reader.load(file.location).write.format("noop").mode("overwrite").save()
        except FileReadError as again:
            reason = f"Spark cannot read it ({again.reason})"
            if longest := options.get("maxCharsPerColumn"):
                reason += (
                    f"; every quote must be closed, and a value has at most {int(longest):,} "
                    f"characters (ingest.max_column_chars)"
                )
            return BadFile(file, Fault(UNREADABLE, reason))
    raise error


def list_files(spark: SparkSession, source: str, path: str) -> list[SourceFile]:
    """Every file of a path (file, folder, glob or package:...), oldest first.

    SourceError if there is none, StoreError if an object store refuses or does not answer.
    """
    try:
        # binaryFile lists every file system that Spark can read. Only names are read here.
        listing = spark.read.format("binaryFile").load(resolve(source, path))
        listed = listing.selectExpr(
            "_metadata.file_path AS path",
            "_metadata.file_size AS length",
            "unix_millis(_metadata.file_modification_time) AS modified_ms",
        ).collect()  # one row per file of the source
        # A scan skips files of length 0. inputFiles lists them.
        full = {_comparable(f["path"]) for f in listed}
        empty = [path for path in listing.inputFiles() if _comparable(path) not in full]
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        listed, empty = [], []
    except Py4JJavaError as error:
        if scheme_of(path) is None:
            raise
        raise store_error(path, str(error)) from None
    if not listed and not empty:
        raise no_file(source, path)
    # Each installation gives a package's file a new time, but its content stays the same.
    is_timed = not path.startswith("package:")
    facts = [(f["path"], f["length"], f["modified_ms"] if is_timed else 0) for f in listed]
    files = []
    for file, length, modified in [*facts, *((file, 0, 0) for file in empty)]:
        name = _name(file)
        identity = batch_id(source, name, length, modified_ms=modified)
        files.append(SourceFile(identity, name, file, length, modified))
    return sorted(files, key=lambda f: (f.modified_ms, f.name, f.path))


def _comparable(path: str) -> str:
    """A path in one spelling: Spark writes both file:/a and file:///a."""
    scheme, _, inside = unquote(path).rpartition(":/")
    return f"{scheme}:/{inside.lstrip('/')}"


def _name(path: str) -> str:
    """The file name in a path that Spark reports, with %20 for a space."""
    return unquote(path.rpartition("/")[2])


NESTED = ("struct", "array", "map")


def spread(spark: SparkSession, part: Part) -> DataFrame:
    """The rows of a part, spread over all cores.

    A small part may have a single partition (a Parquet file with one row group, or a gzipped text),
    so it is repartitioned by its content. A large one has many partitions already.
    """
    flat = [f"`{c}`" for c, kind in part.types.items() if not kind.startswith(NESTED)]
    if not part.is_small or not flat:
        return part.frame
    partitions = int(spark.conf.get("spark.sql.shuffle.partitions") or 1)
    return part.frame.repartition(partitions, *flat)


def count_rows(parts: Sequence[Part]) -> dict[str, int]:
    """Rows per batch, before any mapping. The counts of all outcomes must add up to them."""
    counted = {f.batch_id: 0 for part in parts for f in part.files}
    for part in parts:
        batches = {f.path: f.batch_id for f in part.files}
        for row in part.frame.groupBy(PATH).count().collect():  # one row per file
            counted[batches[row[PATH]]] += row["count"]
    return counted


def read_lookup(
    spark: SparkSession, source: str, name: str, *, lookup: LookupSettings
) -> DataFrame:
    """All files of a lookup as one frame. Columns are text if the format has no types."""
    with explained(f"{source}, lookup {name}"):
        reader = spark.read.format(lookup.format).options(**reading_options(lookup))
        return named(source, name, reader.load(resolve(source, lookup.path)))
