"""A sample of a source's rows, read without Spark, with the columns and values of Spark's readers.

CSV and JSON have text in every column. Parquet keeps its types. Of a long file the beginning, a
part of the middle, and the end are read: totals stand at the end, and forms of dates change over
time.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, NamedTuple, TypeVar, cast

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.bronze import stored_name
from pipelines.ingestion.samples import Sample, SampledFile, own_types
from pipelines.ingestion.source_files import MALFORMED, column_clash
from runtime.errors import SourceError
from runtime.files import Location

# Rows of a sample, of all files together. DuckDB checks them in about three seconds.
MOST_ROWS = 20_000
MOST_FILES = 40
# A longer file is not read whole: its first bytes, and its last.
MOST_BYTES, LAST_BYTES = 64 * 1024 * 1024, 4 * 1024 * 1024
# Options of Spark's CSV reader that the sample follows, in lower case.
FOLLOWED = frozenset(
    ("sep", "delimiter", "quote", "escape", "encoding", "charset", "header", "multiline")
)
_TEXT = pa.string()
AnyFile = TypeVar("AnyFile")
# Spark ends a line here, and not at the other characters at which str.splitlines does.
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass
class _Rows:
    """Rows of one file as they are read: columns as the file names them, and malformed texts."""

    columns: list[str]
    rows: Sequence[Sequence[str | None]]
    malformed: list[str | None]


def read_sample(
    source: str,
    format_name: str,
    files: Sequence[str | os.PathLike[str]],
    *,
    options: Mapping[str, str],
    most: int | None = None,
) -> Sample:
    """At most `most` rows of files, by default MOST_ROWS.

    SourceError if a file has no columns or cannot be read.
    """
    locations = [Location.of(file) for file in files]
    chosen = spread(locations, MOST_FILES)
    share = max((most or MOST_ROWS) // len(chosen), 1)
    tables, parts = [], []
    headers: dict[str, str] = {}
    for file in chosen:
        if not file.size:
            raise SourceError(
                f"source {source}: {file.name} has 0 bytes. A file must at least name its "
                f"columns. Remove it, or deliver it again."
            )
        try:
            table, rows = _READERS[format_name](file, share, options)
        except (OSError, ValueError, LookupError, csv.Error, pa.ArrowException) as error:
            raise SourceError(
                f"source {source}: {file.name} cannot be read as {format_name}: {error}. Fix path, "
                f"format or options in conf, or the file."
            ) from None
        tables.append(_named(source, file.name, table))
        named = {stored_name(c): c for c in table.column_names if c != MALFORMED}
        headers = named | headers
        parts.append(SampledFile(file, own_types(tables[-1]), rows))
    total = sum(part.rows for part in parts)
    return Sample(
        tuple(f.name for f in locations),
        pa.concat_tables(tables, promote_options="permissive"),
        headers,
        round(total * len(files) / len(chosen)),
        tuple(parts),
    )


def spread(files: Sequence[AnyFile], most: int) -> list[AnyFile]:
    """At most `most` of the files, with the first and the last."""
    if len(files) <= most:
        return [*files]
    return [files[round(i * (len(files) - 1) / (most - 1))] for i in range(most)]


def _named(source: str, file: str, table: pa.Table) -> pa.Table:
    if clash := column_clash(table.column_names):
        raise SourceError(f"source {source}: {file} {clash}. Rename the column in the file.")
    names = [c if c == MALFORMED else stored_name(c) for c in table.column_names]
    named = table.rename_columns(names)
    return named.append_column("_file", pa.array([file] * len(table), _TEXT))


def _kept_places(rows: int, most: int) -> list[int]:
    """Which rows are kept: the first 60 %, a block of the middle, and the last 20 %."""
    if rows <= most:
        return [*range(rows)]
    first, last = most * 3 // 5, most // 5
    middle = most - first - last
    start = first + (rows - first - last - middle) // 2
    return [*range(first), *range(start, start + middle), *range(rows - last, rows)]


# ---------------------------------------------------------------------- text files


def _text(file: Location, encoding: str) -> tuple[str, float]:
    """The text of a file, or its first and last part, and how many times longer the file is."""
    with file.open() as stored, _unzipped(file, stored) as stream:
        content = stream.read(MOST_BYTES)
        is_whole = len(content) < MOST_BYTES
        if not is_whole and file.suffix != ".gz":
            stream.seek(-LAST_BYTES, io.SEEK_END)
            content = content.rpartition(b"\n")[0] + b"\n" + stream.read().partition(b"\n")[2]
    longer = 1.0 if is_whole else max(1.0, file.size / len(content))
    codec = "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding
    # A byte that is not valid becomes U+FFFD, as in Spark's reader.
    return content.decode(codec, errors="replace"), longer


def _unzipped(file: Location, stored: IO[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(stored)) if file.suffix == ".gz" else stored


def _csv(file: Location, share: int, options: Mapping[str, str]) -> tuple[pa.Table, int]:
    given = {name.lower(): value for name, value in options.items()}
    encoding = given.get("encoding") or given.get("charset") or "UTF-8"
    text, longer = _text(file, _codec(encoding))
    dialect = _dialect(given)
    if given.get("multiline", "false").lower() == "true":
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), **dialect) if row]
        records: list[_Record] | list[_Line] = [
            _Record(row, dialect["delimiter"].join(row)) for row in rows
        ]
    else:
        # Each line is one record, even if a quote is open at its end.
        records = [_Line(line, dialect) for line in _LINE_END.split(text) if line.strip()]
    if not records:
        raise ValueError("it has no line")
    first = records[0].row
    has_header = given.get("header", "true").lower() == "true"
    columns = first if has_header else [f"_c{place}" for place in range(len(first))]
    body, width = records[has_header:], len(columns)
    chosen = [(body[place].row, body[place].text) for place in _kept_places(len(body), share)]
    values = [_padded(row, width) for row, _ in chosen]
    malformed = [None if len(row) == width else source for row, source in chosen]
    return _table(_Rows(columns, values, malformed)), round(len(body) * longer)


def _codec(encoding: str) -> str:
    """Python's name of an encoding of Java."""
    return {"x-macroman": "mac_roman", "ibm850": "cp850"}.get(encoding.lower(), encoding)


class _Record(NamedTuple):
    """The cells of a record and its text."""

    row: list[str]
    text: str


class _Line(NamedTuple):
    """A line, which is parsed when its cells are needed: a sample needs few of them."""

    text: str
    dialect: dict[str, Any]

    @property
    def row(self) -> list[str]:
        """The cells."""
        return next(csv.reader([self.text], **self.dialect))


def _dialect(options: Mapping[str, str]) -> dict[str, Any]:
    """Python's names for the options of Spark's reader."""
    quote, escape = options.get("quote", '"'), options.get("escape", '"')
    return {
        "delimiter": (options.get("sep") or options.get("delimiter") or ",").replace("\\t", "\t"),
        "quotechar": quote or None,
        "quoting": csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        "doublequote": escape == quote,
        "escapechar": None if escape == quote else escape,
    }


def _padded(row: Sequence[str], width: int) -> list[str | None]:
    return [cell or None for cell in [*row, *[""] * (width - len(row))][:width]]


def _json(file: Location, share: int, options: Mapping[str, str]) -> tuple[pa.Table, int]:
    text, longer = _text(file, "utf-8")
    is_document = options.get("multiLine", "false").lower() == "true"
    parsed = json.loads(text) if is_document else None
    items = parsed if isinstance(parsed, list) else [parsed]
    lines = [json.dumps(i) for i in items] if is_document else _LINE_END.split(text)
    lines = [line for line in lines if line.strip()]
    chosen = [lines[place] for place in _kept_places(len(lines), share)]
    objects = [_object(line) for line in chosen]
    columns = [*dict.fromkeys(key for o in objects if o for key in o)]
    if not columns:
        raise ValueError("it holds no JSON object")
    rows = [[None if not o else _as_text(o.get(c)) for c in columns] for o in objects]
    malformed = [line if o is None else None for line, o in zip(chosen, objects, strict=True)]
    return _table(_Rows(columns, rows, malformed)), round(len(lines) * longer)


def _object(line: str) -> dict[str, object] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _table(read: _Rows) -> pa.Table:
    columns = {
        name: pa.array([row[place] for row in read.rows], _TEXT)
        for place, name in enumerate(read.columns)
    }
    if len(columns) < len(read.columns):
        twice = next(c for c in read.columns if read.columns.count(c) > 1)
        raise ValueError(f"it has two columns {twice!r}")
    return pa.table({**columns, MALFORMED: pa.array(read.malformed, _TEXT)})


# ---------------------------------------------------------------------- Parquet


def _parquet(file: Location, share: int, options: Mapping[str, str]) -> tuple[pa.Table, int]:
    with file.open() as stream:
        return _sampled(pq.ParquetFile(stream), share)


def _sampled(content: pq.ParquetFile, share: int) -> tuple[pa.Table, int]:
    total, groups = content.metadata.num_rows, content.num_row_groups
    read: list[pa.Table] = []
    for group in dict.fromkeys((0, groups // 2, groups - 1)) if groups else ():
        read.append(content.read_row_group(group))
    table = pa.concat_tables(read) if read else content.schema_arrow.empty_table()
    table = table.take(_kept_places(len(table), share))
    return table.append_column(MALFORMED, pa.nulls(len(table), _TEXT)), total


_READERS = {"csv": _csv, "json": _json, "parquet": _parquet}
