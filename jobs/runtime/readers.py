"""Sources as frames: which files there are, which of them belong together, and how each is read.

CSV and JSON give text in every column; Parquet, Delta and JDBC keep their types. Two columns are
added: `_path` (the file) and `_malformed` (the text of a row that could not be parsed, else null).
"""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from contracts.bronze import METADATA, ON_THE_WAY
from jobs.runtime.errors import SourceError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from jobs.runtime.settings import LookupSettings, SourceSettings

PATH, MALFORMED = "_path", "_malformed"
RESERVED = (*ON_THE_WAY, *(c.name for c in METADATA))

# Last word over a source's own options: with another mode, rows would be lost without a trace, and
# with column pruning Spark would not see that a row has too few or too many columns.
FORCED_OPTIONS = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": MALFORMED,
    "columnPruning": "false",
}

# Delta refuses the first eight in a column's name, Spark reads a dot as a field of a struct.
_REFUSED = re.compile(r"[ ,;{}()\n\t=.`]")


@dataclass(frozen=True)
class SourceFile:
    """One file of a source, or one read of a table."""

    batch_id: str
    name: str
    path: str
    length: int
    modified_ms: int

    @property
    def location(self) -> str:
        """Where to read it: `path` is as Spark reports it, with a space as %20, which it can't open."""
        return unquote(self.path)


@dataclass(frozen=True)
class Part:
    """The files of a source that have the same columns, as one frame."""

    files: tuple[SourceFile, ...]
    frame: DataFrame

    @property
    def title(self) -> str:
        """The files as a message names them: the first, and how many more."""
        more = len(self.files) - 1
        return self.files[0].name + (f" and {more} more" if more else "")

    @property
    def types(self) -> dict[str, str]:
        """The source's own columns and their types."""
        fields = self.frame.schema.fields
        return {f.name: f.dataType.simpleString() for f in fields if f.name not in RESERVED}


def batch_id(source: str, name: str, length: int, modified_ms: int) -> str:
    """Names the content of a file without reading it; the folder may change.

    >>> len(batch_id("orders", "day1.csv", 120, 1514764800000))
    16
    """
    return sha256(f"{source}\n{name}\n{length}\n{modified_ms}".encode()).hexdigest()[:16]


def find_parts(
    spark: SparkSession, name: str, source: SourceSettings, known: Collection[str], limit: int
) -> tuple[list[Part], int]:
    """The files of a source whose batch is not known, grouped by columns; and how many are left.

    Raises SourceError where there is no file at all, one is empty, or one cannot be read.
    """
    with explained(name):
        if source.format == "jdbc":
            part = _jdbc_part(spark, name, source)
        elif source.format == "delta":
            part = _delta_part(spark, name, source)
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
            F.col("_metadata.file_name").alias("name"),
            F.col("_metadata.file_size").alias("length"),
            F.unix_millis("_metadata.file_modification_time").alias("modified_ms"),
        ).collect()  # bounded by the number of files that the source keeps
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        found = []
    if not found:
        raise SourceError(
            f"source {source}: {path} matches no file. Put one there, or mend "
            f"sources.{source}.path in conf (a file, a folder, a pattern, or "
            f"package:<package>/<path>)."
        )
    empty = sorted(f["name"] for f in found if f["length"] == 0)
    if empty:
        raise SourceError(
            f"source {source}: {empty[0]} has 0 bytes; a file must at least name its columns. "
            f"Remove it, or deliver it again."
        )
    files = []
    for f in found:
        # A package's file gets a new time with every installation; its content stays.
        modified = 0 if path.startswith("package:") else f["modified_ms"]
        identity = batch_id(source, f["name"], f["length"], modified)
        files.append(SourceFile(identity, f["name"], f["path"], f["length"], modified))
    return sorted(files, key=lambda f: (f.modified_ms, f.name, f.path))


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
        return _named(source, name, reader.load(resolve(source, lookup.path)))


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
        parts.append(Part(tuple(members), _named(name, members[0].name, frame)))
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


def _named(source: str, file: str, frame: DataFrame) -> DataFrame:
    """The frame with names that Delta accepts, and types that every Delta reader has."""
    from pyspark.sql import functions as F

    columns, taken = [], {c.lower() for c in RESERVED}
    for field in frame.schema.fields:
        if field.name in (PATH, MALFORMED):
            columns.append(F.col(field.name))
            continue
        name = _REFUSED.sub("_", field.name)
        if name.lower() in taken:
            raise SourceError(
                f"source {source}: {file} has a column {field.name!r}, and {name} is taken already "
                f"(upper and lower case are alike; {', '.join(RESERVED)} are ingest's "
                f"own). Rename it in the file."
            )
        taken.add(name.lower())
        column = F.col("`" + field.name.replace("`", "``") + "`")
        columns.append(_storable(column, field.dataType.simpleString()).alias(name))
    return frame.select(*columns)


def _storable(column: Any, kind: str) -> Any:
    """A timestamp without a zone is UTC; kinds that Delta's first readers lack become text."""
    if kind == "timestamp_ntz":
        return column.cast("timestamp")
    if kind in ("void", "variant") or kind.startswith(("interval", "time(")):
        return column.cast("string")
    return column


def _jdbc_part(spark: SparkSession, name: str, source: SourceSettings) -> Part:
    """A whole read of a query. Its batch is its content, so that an unchanged table is known."""
    from pyspark.sql import functions as F

    frame = spark.read.format("jdbc").options(**source.options).load()
    title = source.options.get("dbtable", "query")
    frame = _named(name, title, frame).withColumn(MALFORMED, F.lit(None).cast("string"))
    # Read once: the table may change between the hash and the rows.
    frame = frame.withColumn(PATH, F.lit(title)).persist()
    content = F.sum(F.xxhash64(*[F.col(f"`{c}`") for c in frame.columns]).cast("decimal(38,0)"))
    found = frame.agg(F.count("*").alias("rows"), content.alias("content")).head()  # one row
    identity = batch_id(name, f"{title}\n{found['content']}", found["rows"], 0)
    return Part((SourceFile(identity, title, title, found["rows"], 0),), frame)


def _delta_part(spark: SparkSession, name: str, source: SourceSettings) -> Part:
    """The newest version of a table, whole."""
    from delta.tables import DeltaTable
    from pyspark.sql import functions as F

    path = source.path or ""
    is_folder = DeltaTable.isDeltaTable(spark, path)
    table = DeltaTable.forPath(spark, path) if is_folder else DeltaTable.forName(spark, path)
    version = table.history(1).select("version").head()[0]  # one row
    reader = spark.read.options(**source.options).option("versionAsOf", version)
    frame = reader.format("delta").load(path) if is_folder else reader.table(path)
    title = f"{path.rstrip('/').rpartition('/')[2]}@v{version}"
    frame = _named(name, title, frame).withColumn(MALFORMED, F.lit(None).cast("string"))
    file = SourceFile(batch_id(name, title, version, 0), title, title, version, 0)
    return Part((file,), frame.withColumn(PATH, F.lit(title)))


@contextmanager
def explained(source: str) -> Iterator[None]:
    """Spark's errors about a source as SourceError: one sentence without a trace."""
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        reason = str(error).splitlines()[0].partition(" SQLSTATE")[0]
        raise SourceError(
            f"source {source}: cannot be read: {reason} "
            f"Mend path, format or options in conf, or the file."
        ) from None
