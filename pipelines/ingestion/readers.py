"""Sources as frames: which files there are, which of them belong together, and how each is read.

CSV and JSON give text in every column; Parquet, Delta and JDBC keep their types. Two columns are
added: `_path` (the file) and `_malformed` (the text of a row that could not be parsed, else null).
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pipelines.ingestion.source_files import (
    MALFORMED,
    PATH,
    Part,
    SourceFile,
    batch_id,
    explained,
    named,
)
from pipelines.ingestion.table_sources import delta_part, jdbc_part
from runtime.errors import SourceError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from runtime.settings.sources import LookupSettings, SourceSettings

# Last word over a source's own options: with another mode, rows would be lost without a trace, and
# with column pruning Spark would not see that a row has too few or too many columns.
FORCED_OPTIONS = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": MALFORMED,
    "columnPruning": "false",
}


def find_parts(
    spark: SparkSession, name: str, source: SourceSettings, known: Collection[str], limit: int
) -> tuple[list[Part], int]:
    """The files of a source whose batch is not known, grouped by columns; and how many are left.

    Raises SourceError where there is no file at all, one is empty, or one cannot be read.
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
    """Every file behind a path (file, folder, glob or package:...), oldest first."""
    from pyspark.errors import AnalysisException
    from pyspark.sql import functions as F

    try:
        # binaryFile lists any file system that Spark can reach, and reads nothing but names here.
        listed = spark.read.format("binaryFile").load(resolve(source, path))
        found = listed.select(
            F.col("_metadata.file_path").alias("path"),
            F.col("_metadata.file_size").alias("length"),
            F.unix_millis("_metadata.file_modification_time").alias("modified_ms"),
        ).collect()  # bounded by the number of files that the source keeps
        # A scan passes over files of no length; the listing that it starts from has them.
        full = {_place(f["path"]) for f in found}
        empty = sorted(path for path in listed.inputFiles() if _place(path) not in full)
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        found, empty = [], []
    if not found and not empty:
        raise SourceError(
            f"source {source}: {path} matches no file. Put one there, or mend "
            f"sources.{source}.path in conf (a file, a folder, a pattern, or "
            f"package:<package>/<path>)."
        )
    if empty:
        raise SourceError(
            f"source {source}: {_name(empty[0])} has 0 bytes; a file must at least name its "
            f"columns. Remove it, or deliver it again."
        )
    files = []
    for f in found:
        # A package's file gets a new time with every installation; its content stays.
        modified = 0 if path.startswith("package:") else f["modified_ms"]
        name = _name(f["path"])
        identity = batch_id(source, name, f["length"], modified)
        files.append(SourceFile(identity, name, f["path"], f["length"], modified))
    return sorted(files, key=lambda f: (f.modified_ms, f.name, f.path))


def _place(path: str) -> str:
    """The same for file:/a and file:///a, which Spark uses side by side."""
    scheme, _, rest = unquote(path).rpartition(":/")
    return f"{scheme}:/{rest.lstrip('/')}"


def _name(path: str) -> str:
    """The file's name of a path as Spark reports it, with %20 for a space."""
    return unquote(path.rpartition("/")[2])


def resolve(source: str, path: str) -> str:
    """A path as Spark reads it; package:<python package>/<path> becomes the installed file."""
    if not path.startswith("package:"):
        return path
    package, _, inside = path.removeprefix("package:").partition("/")
    try:
        return str(importlib.resources.files(package).joinpath(inside))
    except ModuleNotFoundError:
        raise SourceError(
            f"source {source}: {path} names the Python package {package}, which is not installed. "
            f"Install it with `pip install {package}`."
        ) from None


# Below this a part may be one piece to Spark: a Parquet file of one row group, a gzipped text.
SMALL_BYTES = 256 * 1024 * 1024
NESTED = ("struct", "array", "map")


def spread(spark: SparkSession, part: Part) -> DataFrame:
    """A small part's rows over all cores, by their content; a large one comes in many pieces."""
    flat = [f"`{c}`" for c, kind in part.types.items() if not kind.startswith(NESTED)]
    if sum(file.length for file in part.files) >= SMALL_BYTES or not flat:
        return part.frame
    pieces = int(spark.conf.get("spark.sql.shuffle.partitions") or 1)
    return part.frame.repartition(pieces, *flat)


def count_rows(parts: Sequence[Part]) -> dict[str, int]:
    """Rows by batch, counted by a read of its own: what the outcomes must add up to."""
    counted = {f.batch_id: 0 for part in parts for f in part.files}
    for part in parts:
        batches = {f.path: f.batch_id for f in part.files}
        for row in part.frame.groupBy(PATH).count().collect():  # one row a file
            counted[batches[row[PATH]]] += row["count"]
    return counted


def read_lookup(spark: SparkSession, source: str, name: str, lookup: LookupSettings) -> DataFrame:
    """A lookup's file or files as one frame; text columns where the format has no types."""
    with explained(f"{source}, lookup {name}"):
        reader = spark.read.format(lookup.format).options(**_reading_options(lookup))
        return named(source, name, reader.load(resolve(source, lookup.path)))


def _reading_options(source: SourceSettings | LookupSettings) -> dict[str, str]:
    defaults = {
        "csv": {"header": "true"},
        "json": {"primitivesAsString": "true"},
    }
    return {**defaults.get(source.format, {}), **source.options}


def _file_parts(
    spark: SparkSession, name: str, source: SourceSettings, files: list[SourceFile]
) -> list[Part]:
    options = _reading_options(source)
    if not files:
        return []
    if source.format == "json":
        # A key may be absent from a row, so files of JSON have one set of columns together.
        reader = spark.read.options(**options, **FORCED_OPTIONS)
        schema = reader.json([f.location for f in files]).schema
        groups = {tuple((c, "string") for c in schema.names if c != MALFORMED): files}
        if () in groups:
            raise SourceError(
                f"source {name}: {files[0].name} holds no JSON object; each line must be one, or "
                f"set options.multiLine to true for one document a file."
            )
    else:
        groups = _by_schema(spark, source.format, options, files)
    parts = []
    for columns, members in groups.items():
        frame = _read(spark, source.format, options, [c for c, _ in columns], members)
        parts.append(Part(tuple(members), named(name, members[0].name, frame)))
    return parts


def _by_schema(
    spark: SparkSession, format_name: str, options: dict[str, str], files: list[SourceFile]
) -> dict[tuple[tuple[str, str], ...], list[SourceFile]]:
    """Spark would read all files by the columns of the first; files that differ are told apart."""

    def schema_of(file: SourceFile) -> tuple[tuple[str, str], ...]:
        found = spark.read.format(format_name).options(**options).load(file.location).schema
        return tuple((f.name, f.dataType.simpleString()) for f in found.fields)

    groups: dict[tuple[tuple[str, str], ...], list[SourceFile]] = {}
    with ThreadPoolExecutor(max_workers=8) as pool:
        for file, schema in zip(files, pool.map(schema_of, files), strict=True):
            groups.setdefault(schema, []).append(file)
    return groups


def _read(
    spark: SparkSession,
    format_name: str,
    options: dict[str, str],
    columns: list[str],
    files: list[SourceFile],
) -> DataFrame:
    from pyspark.sql import functions as F

    reader = spark.read.format(format_name).options(**options)
    if format_name in ("csv", "json"):
        text = ", ".join(f"`{c.replace('`', '``')}` string" for c in (*columns, MALFORMED))
        reader = reader.options(**FORCED_OPTIONS).schema(text)
    frame = reader.load([f.location for f in files])
    if MALFORMED not in frame.columns:
        frame = frame.withColumn(MALFORMED, F.lit(None).cast("string"))
    return frame.withColumn(PATH, F.col("_metadata.file_path"))
