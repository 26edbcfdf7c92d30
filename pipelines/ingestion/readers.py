"""Read the sources: list their new files, group files with the same columns, and make frames.

CSV and JSON have text in every column. Parquet, Delta and JDBC keep their types. Two columns are
added: `_path` (the file) and `_malformed` (the text of a row that could not be parsed, else null).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pyspark.errors import AnalysisException

from pipelines.ingestion.local_files import resolve
from pipelines.ingestion.read_errors import explained
from pipelines.ingestion.source_files import (
    FORCED_OPTIONS,
    MALFORMED,
    PATH,
    Part,
    SourceFile,
    batch_id,
    named,
)
from pipelines.ingestion.table_sources import delta_part, jdbc_part
from runtime.errors import SourceError
from transforms.source_reads import with_file_path

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from runtime.settings.sources import LookupSettings, SourceSettings


def find_parts(
    spark: SparkSession, name: str, source: SourceSettings, *, known: Collection[str], limit: int
) -> tuple[list[Part], int]:
    """The files of a source whose batch is not in `known`, grouped by their columns.

    At most `limit` files, oldest first. The second value is the number of new files over the limit.
    SourceError if the source has no file at all, or a file is empty or cannot be read.
    """
    with explained(name):
        if source.format == "jdbc":
            part = jdbc_part(spark, name, source)
        elif source.format == "delta":
            part = delta_part(spark, name, source)
        else:
            files = list_files(spark, name, source.path or "")
            new = [f for f in files if f.batch_id not in known]
            return _file_parts(spark, name, source, new[:limit]), max(0, len(new) - limit)
    return ([], 0) if part.files[0].batch_id in known else ([part], 0)


def list_files(spark: SparkSession, source: str, path: str) -> list[SourceFile]:
    """Every file of a path (file, folder, glob or package:...), oldest first."""
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
        empty = sorted(path for path in listing.inputFiles() if _comparable(path) not in full)
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        listed, empty = [], []
    if not listed and not empty:
        raise SourceError(
            f"source {source}: {path} matches no file. Put a file there, or fix "
            f"sources.{source}.path in conf (a file, a folder, a pattern, or "
            f"package:<package>/<path>)."
        )
    if empty:
        raise SourceError(
            f"source {source}: {_name(empty[0])} has 0 bytes. A file must at least name its "
            f"columns. Remove it, or deliver it again."
        )
    files = []
    for f in listed:
        # Each installation gives a package's file a new time, but its content stays the same.
        modified = 0 if path.startswith("package:") else f["modified_ms"]
        name = _name(f["path"])
        identity = batch_id(source, name, f["length"], modified_ms=modified)
        files.append(SourceFile(identity, name, f["path"], f["length"], modified))
    return sorted(files, key=lambda f: (f.modified_ms, f.name, f.path))


def _comparable(path: str) -> str:
    """A path in one spelling: Spark writes both file:/a and file:///a."""
    scheme, _, inside = unquote(path).rpartition(":/")
    return f"{scheme}:/{inside.lstrip('/')}"


def _name(path: str) -> str:
    """The file name in a path that Spark reports, with %20 for a space."""
    return unquote(path.rpartition("/")[2])


# A part below this size may have a single partition: a Parquet file with one row group, or a
# gzipped text.
SMALL_BYTES = 256 * 1024 * 1024
NESTED = ("struct", "array", "map")


def spread(spark: SparkSession, part: Part) -> DataFrame:
    """The rows of a part, spread over all cores.

    A small part is repartitioned by its content. A large one has many partitions already.
    """
    flat = [f"`{c}`" for c, kind in part.types.items() if not kind.startswith(NESTED)]
    if sum(file.length for file in part.files) >= SMALL_BYTES or not flat:
        return part.frame
    partitions = int(spark.conf.get("spark.sql.shuffle.partitions") or 1)
    return part.frame.repartition(partitions, *flat)


def count_rows(parts: Sequence[Part]) -> dict[str, int]:
    """Rows per batch, from a separate read. The counts of all outcomes must add up to them."""
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
        reader = spark.read.format(lookup.format).options(**_reading_options(lookup))
        return named(source, name, reader.load(resolve(source, lookup.path)))


def _reading_options(source: SourceSettings | LookupSettings) -> dict[str, str]:
    defaults = {
        # A quote inside quotes is doubled (RFC 4180), as Excel writes it. Spark's own default is a
        # backslash.
        "csv": {"header": "true", "escape": '"'},
        "json": {"primitivesAsString": "true"},
    }
    return {**defaults.get(source.format, {}), **source.reader_options}


def _file_parts(
    spark: SparkSession, name: str, source: SourceSettings, files: list[SourceFile]
) -> list[Part]:
    options = _reading_options(source)
    if not files:
        return []
    if source.format == "json":
        # A row may lack a key, so all JSON files together have one set of columns.
        reader = spark.read.options(**options, **FORCED_OPTIONS)
        schema = reader.json([f.location for f in files]).schema
        groups = {tuple((c, "string") for c in schema.names if c != MALFORMED): files}
        if () in groups:
            raise SourceError(
                f"source {name}: {files[0].name} holds no JSON object. Each line must be one "
                f"object. If each file is one document, set options.multiLine to true."
            )
    else:
        groups = _by_schema(spark, source.format, options, files)
    parts = []
    for columns, members in groups.items():
        names = [c for c, _ in columns]
        frame = _read(spark, source.format, options, columns=names, files=members)
        parts.append(Part(tuple(members), named(name, members[0].name, frame)))
    return parts


def _by_schema(
    spark: SparkSession, format_name: str, options: dict[str, str], files: list[SourceFile]
) -> dict[tuple[tuple[str, str], ...], list[SourceFile]]:
    """The files by their columns (name, type). Spark would use the first file's columns for all."""

    def schema_of(file: SourceFile) -> tuple[tuple[str, str], ...]:
        schema = spark.read.format(format_name).options(**options).load(file.location).schema
        return tuple((f.name, f.dataType.simpleString()) for f in schema.fields)

    groups: dict[tuple[tuple[str, str], ...], list[SourceFile]] = {}
    with ThreadPoolExecutor(max_workers=8) as pool:
        for file, schema in zip(files, pool.map(schema_of, files), strict=True):
            groups.setdefault(schema, []).append(file)
    return groups


def _read(
    spark: SparkSession,
    format_name: str,
    options: dict[str, str],
    *,
    columns: list[str],
    files: list[SourceFile],
) -> DataFrame:
    reader = spark.read.format(format_name).options(**options)
    if format_name in ("csv", "json"):
        text = ", ".join(f"`{c.replace('`', '``')}` string" for c in (*columns, MALFORMED))
        reader = reader.options(**FORCED_OPTIONS).schema(text)
    return with_file_path(reader.load([f.location for f in files]))
