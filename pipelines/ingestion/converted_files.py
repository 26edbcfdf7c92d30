"""Copies of files that ingest cannot read, as CSV in UTF-8: Excel workbooks, and text in UTF-16."""

from __future__ import annotations

import csv
import datetime as dt
import importlib
from pathlib import Path
from typing import Any

from runtime.errors import SourceError, UsageError

_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def needs_conversion(head: bytes) -> bool:
    """Whether a file that begins with these four bytes must be copied."""
    return head in (_ZIP, _OLD_EXCEL) or head[:2] in _UTF_16


def converted(file: Path) -> Path:
    """The copy beside the file, `<name>.csv`. SourceError if it exists or cannot be made."""
    copy = file.with_name(f"{file.stem}.csv" if file.suffix != ".csv" else f"{file.stem}.utf8.csv")
    if copy.exists():
        raise SourceError(
            f"{file.name} must be copied as CSV, but {copy.name} exists. Run init on "
            f"{copy.name}, or remove it."
        )
    with file.open("rb") as stream:
        head = stream.read(4)
    if head == _OLD_EXCEL:
        raise SourceError(
            f"{file.name} is an Excel file of the format before 2007. Save it as .xlsx or as CSV."
        )
    if head[:2] in _UTF_16:
        copy.write_text(file.read_text(encoding="utf-16"), encoding="utf-8")
        return copy
    rows = _sheet(file)
    with copy.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return copy


def _sheet(file: Path) -> list[list[str]]:
    """The cells of the first sheet as text."""
    try:
        openpyxl = importlib.import_module("openpyxl")
    except ModuleNotFoundError:
        raise UsageError(
            f"{file.name}: Excel files need the package openpyxl. Run `pip install "
            f"'holdfast[excel]'`, or save the file as CSV."
        ) from None
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        rows = [[_cell(value) for value in row] for row in book.worksheets[0].values]
    except (KeyError, ValueError, OSError) as error:
        raise SourceError(f"{file.name} is not an Excel workbook: {error}.") from None
    return [row for row in rows if any(row)]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        has_time = value.time() != dt.time()
        return value.isoformat(sep=" ") if has_time else value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
