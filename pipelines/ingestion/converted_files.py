"""Copies of files that ingest cannot read: Excel workbooks, and text in rare encodings."""

from __future__ import annotations

import csv
import datetime as dt
import importlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from runtime.errors import SourceError, UsageError

_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
# Encodings of text that Spark's reader of CSV reads line by line.
READABLE = ("UTF-8", "windows-1252")


def is_workbook(head: bytes) -> bool:
    """Whether a file that begins with these bytes is an Excel workbook."""
    return head[:4] in (_ZIP, _OLD_EXCEL)


def from_workbook(file: Path) -> Path:
    """The first sheet as CSV beside the workbook. SourceError if the copy exists or fails."""
    with file.open("rb") as stream:
        head = stream.read(4)
    if head == _OLD_EXCEL:
        raise SourceError(
            f"{file.name} is an Excel file of the format before 2007. Save it as .xlsx or as CSV."
        )
    return _written(file, file.with_suffix(".csv"), _lines(_sheet(file)))


def in_utf_8(file: Path, codec: str) -> Path:
    """The text in UTF-8 beside the file. SourceError if the copy exists."""
    text = file.read_bytes().decode(codec, errors="replace")
    return _written(file, file.with_name(f"{file.stem}.utf8{file.suffix}"), [text])


def _lines(rows: Iterable[list[str]]) -> Iterator[str]:
    """Each row as a line of CSV."""
    line = io.StringIO(newline="")
    writer = csv.writer(line)
    for row in rows:
        writer.writerow(row)
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def _written(file: Path, copy: Path, parts: Iterable[str]) -> Path:
    if copy.exists():
        raise SourceError(
            f"{file.name} must be copied as {copy.name}, which exists. Run init on {copy.name}, or "
            f"remove it."
        )
    try:
        with copy.open("wb") as target:
            target.writelines(part.encode("utf-8") for part in parts)
    except SourceError:
        copy.unlink()
        raise
    except OSError as error:
        raise SourceError(f"{copy}: cannot be written: {error.strerror}.") from None
    return copy


def _sheet(file: Path) -> Iterator[list[str]]:
    """The cells of the first sheet as text, row by row, without empty rows."""
    try:
        openpyxl = importlib.import_module("openpyxl")
    except ModuleNotFoundError:
        raise UsageError(
            f"{file.name}: Excel files need the package openpyxl. Run `pip install "
            f"openpyxl`, or save the file as CSV."
        ) from None
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        for row in book.worksheets[0].values:
            cells = [_cell(value) for value in row]
            if any(cells):
                yield cells
    except (KeyError, ValueError, OSError) as error:
        raise SourceError(f"{file.name} is not an Excel workbook: {error}.") from None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        has_time = value.time() != dt.time()
        return value.isoformat(sep=" ") if has_time else value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
