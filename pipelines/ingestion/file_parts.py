"""Frames of a source's files, one per set of columns.

CSV and JSON have text in every column. Parquet keeps its types. Two columns are added: `_path` (the
file) and `_malformed` (the text of a row that could not be parsed, else null).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from contracts.rules import COLUMNS
from pipelines.ingestion.bad_files import BadFile
from pipelines.ingestion.file_scans import THREADS, FileScans, reading_options
from pipelines.ingestion.read_errors import reading_file
from pipelines.ingestion.source_files import (
    FORCED_OPTIONS,
    MALFORMED,
    Part,
    SourceFile,
    column_clash,
    named,
)
from pipelines.ingestion.text_scan import Fault
from transforms.source_reads import with_file_path

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from runtime.settings.sources import SourceSettings

Columns = tuple[tuple[str, str], ...]


def file_parts(
    scans: FileScans, name: str, source: SourceSettings, *, files: Sequence[SourceFile]
) -> tuple[list[Part], list[BadFile]]:
    """The files of a source, grouped by their columns, and those that break a rule for files.

    FileReadError if Spark cannot read a file that passed its scan.
    """
    options = reading_options(source, scans.limits)
    scanned = list(zip(files, scans.of(files, source.format, options), strict=True))
    bad = [BadFile(file, scan.fault) for file, scan in scanned if scan.fault]
    good = {file: scan.columns for file, scan in scanned if not scan.fault}
    if not good:
        return [], bad
    parts = []
    for columns, members in _by_columns(scans.spark, source.format, options, files=good).items():
        names = [c for c, _ in columns]
        reason = column_clash(names) if names else _NO_COLUMNS
        if reason:
            bad += [BadFile(file, Fault(COLUMNS, f"it {reason}")) for file in members]
        else:
            frame = _read(scans.spark, source.format, options, columns=names, files=members)
            parts.append(Part(tuple(members), named(name, members[0].name, frame)))
    return parts, bad


_NO_COLUMNS = (
    "holds no JSON object. Each line must be one object, or each file one document and "
    "options.multiLine true"
)


def _by_columns(
    spark: SparkSession,
    format_name: str,
    options: Mapping[str, str],
    *,
    files: Mapping[SourceFile, Hashable | None],
) -> dict[Columns, list[SourceFile]]:
    """The files by their columns (name, type). Spark would use the first file's columns for all.

    Spark reads the columns of one file per value of `files`, and of each file whose value is null.
    """
    if format_name == "json":
        # A row may lack a key, so all JSON files together have one set of columns.
        reader = spark.read.options(**options, **FORCED_OPTIONS)
        schema = reader.json([f.location for f in files]).schema
        return {tuple((c, "string") for c in schema.names if c != MALFORMED): list(files)}

    def columns_of(file: SourceFile) -> Columns:
        with reading_file(file):
            reader = spark.read.format(format_name).options(**options)
            if format_name == "csv":  # Only its names are used.
                reader = reader.option("inferSchema", "false")
            schema = reader.load(file.location).schema
        return tuple((f.name, f.dataType.simpleString()) for f in schema.fields)

    alike: dict[Hashable, list[SourceFile]] = {}
    for file, value in files.items():
        alike.setdefault(file if value is None else value, []).append(file)
    groups: dict[Columns, list[SourceFile]] = {}
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        read_columns = pool.map(columns_of, (members[0] for members in alike.values()))
        for members, columns in zip(alike.values(), read_columns, strict=True):
            groups.setdefault(columns, []).extend(members)
    return groups


def _read(
    spark: SparkSession,
    format_name: str,
    options: Mapping[str, str],
    *,
    columns: Sequence[str],
    files: Sequence[SourceFile],
) -> DataFrame:
    reader = spark.read.format(format_name).options(**options)
    if format_name in ("csv", "json"):
        text = ", ".join(f"`{c.replace('`', '``')}` string" for c in (*columns, MALFORMED))
        reader = reader.options(**FORCED_OPTIONS).schema(text)
    return with_file_path(reader.load([f.location for f in files]))
