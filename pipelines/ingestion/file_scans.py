"""Scan the new files of a source in the driver: which are bad, and which have equal columns.

No Spark job runs. A file that the driver cannot open is left to Spark.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from py4j.protocol import Py4JError

from contracts.rules import EMPTY, UNREADABLE
from pipelines.ingestion.file_streams import (
    NotOpenedError,
    is_compressed,
    stored_bytes,
    text_bytes,
)
from pipelines.ingestion.source_files import SourceFile
from pipelines.ingestion.text_scan import (
    Fault,
    Limits,
    compressed_fault,
    header_fault,
    header_of,
    plain_fault,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from runtime.settings.sources import IngestSettings, LookupSettings, SourceSettings

# A read waits for its disk or its object store, and zlib decompresses without Python's lock.
THREADS = 8
# Spark writes its own schema into the footer, and reads it before Parquet's.
_SPARK_SCHEMA = b"org.apache.spark.sql.parquet.row.metadata"


class Scan(NamedTuple):
    """The result for one file.

    columns: equal for files of which Spark reads equal columns. None: not known.
    """

    fault: Fault | None = None
    columns: Hashable | None = None


@dataclass
class FileScans:
    """The scans of one run. A file that two sources read alike is scanned once."""

    spark: SparkSession
    limits: Limits
    _done: dict[Hashable, Scan] = field(default_factory=dict)

    def of(
        self, files: Sequence[SourceFile], format_name: str, options: Mapping[str, str]
    ) -> list[Scan]:
        """The scan of each file, in the same order."""
        reading = TextOptions(options)
        names = (format_name, *sorted(reading.given.items()))
        keys = [(f.path, f.length, f.modified_ms, names) for f in files]
        waiting = {k: f for k, f in zip(keys, files, strict=True) if k not in self._done}
        with ThreadPoolExecutor(max_workers=THREADS) as pool:
            scans = pool.map(lambda f: self._scan(f, format_name, reading), waiting.values())
            self._done.update(zip(waiting, scans, strict=True))
        return [self._done[key] for key in keys]

    def _scan(self, file: SourceFile, format_name: str, reading: TextOptions) -> Scan:
        if file.length == 0:
            return Scan(Fault(EMPTY, "it has 0 bytes", 0))
        try:
            if format_name == "parquet":
                return self._parquet(file)
            return self._text(file, reading, is_csv=format_name == "csv")
        except (NotOpenedError, Py4JError, OSError):  # Spark reads the file, and names its error.
            return Scan()

    def _parquet(self, file: SourceFile) -> Scan:
        with stored_bytes(self.spark, file) as stream:
            try:
                parquet = pq.ParquetFile(stream)
            except (pa.ArrowException, OSError) as error:
                reason = f"its footer is not that of a Parquet file ({str(error).splitlines()[0]})"
                return Scan(Fault(UNREADABLE, reason))
        # Its first line is the address of the Python object.
        columns = str(parquet.schema).partition("\n")[2]
        return Scan(columns=(columns, (parquet.metadata.metadata or {}).get(_SPARK_SCHEMA)))

    def _text(self, file: SourceFile, reading: TextOptions, *, is_csv: bool) -> Scan:
        has_header = is_csv and reading.has_header
        limits = reading.limits(self.limits)
        with text_bytes(self.spark, file) as stream:
            if is_compressed(file):
                fault = compressed_fault(stream, file.length, limits)
            else:
                fault = plain_fault(stream, limits)
        if fault:
            if fault.rows is None:
                return Scan(fault)
            # A line that is too long counts as a row, also if it is the only one.
            return Scan(replace(fault, rows=max(1, fault.rows - has_header)))
        if not is_csv or reading.is_wide:
            return Scan()
        with text_bytes(self.spark, file) as stream:
            first = header_of(stream, reading.comment)
        if first is not None and (fault := header_fault(first, reading.encoding, has_header)):
            return Scan(fault)
        return Scan(columns=reading.columns_of(first))


class TextOptions:
    """The options of Spark's reader for text files. Their names are case-insensitive."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self.given = {name.lower(): value for name, value in options.items()}

    @property
    def has_header(self) -> bool:
        return self.given.get("header", "").lower() == "true"

    @property
    def comment(self) -> bytes:
        return self.given.get("comment", "").encode()

    @property
    def encoding(self) -> str:
        return self.given.get("encoding", self.given.get("charset", "UTF-8"))

    @property
    def is_wide(self) -> bool:
        """In UTF-16 and UTF-32 the byte of a line end may be a part of another character."""
        return self.encoding.lower().startswith(("utf-16", "utf-32", "utf16", "utf32"))

    @property
    def is_multiline(self) -> bool:
        return self.given.get("multiline", "").lower() == "true"

    def limits(self, limits: Limits) -> Limits:
        """The limits with the line end of these options."""
        end = self.given.get("linesep", "").encode()
        return replace(limits, line_ends=end[-1:]) if end else limits

    def columns_of(self, first: bytes | None) -> Hashable | None:
        """What the columns of a CSV file depend on, from the bytes up to its first line's end.

        Without a header, this is the number of columns.
        """
        quote = self.given.get("quote", '"').encode()
        is_quoted = bool(quote) and first is not None and quote in first
        if first is None or "linesep" in self.given or (self.is_multiline and is_quoted):
            return None  # The line may go on after these bytes.
        if self.has_header or is_quoted:
            return first
        separator = self.given.get("sep", self.given.get("delimiter", ","))
        separator = separator.replace("\\t", "\t")
        return first.splitlines()[-1].count(separator.encode()) if separator.isascii() else None


def limits_of(ingest: IngestSettings) -> Limits:
    """The limits of conf."""
    return Limits(ingest.max_line_bytes, ingest.max_column_chars, ingest.max_expansion)


def reading_options(
    source: SourceSettings | LookupSettings, limits: Limits | None = None
) -> dict[str, str]:
    """The options of Spark's reader: ingest's defaults for the format, then those of conf."""
    defaults = {
        # A quote inside quotes is doubled (RFC 4180), as Excel writes it. Spark's own default is a
        # backslash.
        "csv": {"header": "true", "escape": '"'},
        "json": {"primitivesAsString": "true"},
    }
    options = {**defaults.get(source.format, {}), **source.reader_options}
    text = TextOptions(options)
    if limits and source.format == "csv" and text.is_multiline:
        # Without multiLine the line is the limit. Each parser allocates this size in advance.
        longest = text.given.get("maxcharspercolumn", str(limits.max_column_chars))
        options["maxCharsPerColumn"] = longest
    return options
