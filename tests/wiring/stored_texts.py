"""All that a build has left on the disk, as text to search."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def stored_texts(root: Path) -> Iterator[tuple[Path, str]]:
    """(path, text) of every file: its bytes, and the values of Parquet files and SQLite tables.

    A Parquet file is compressed, and SQLite splits a long value over pages, so bytes are not enough.
    """
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        text = path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            text += _values(path)
        if path.suffix == ".db":
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
                text += "\n".join(store.iterdump())
        yield path, text


def _values(path: Path) -> str:
    """The distinct texts of a Parquet file; nested columns as JSON."""
    parts = []
    table = pq.ParquetFile(path).read()
    for column in table.columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            parts += [v for v in column.unique().to_pylist() if v is not None]
        elif pa.types.is_nested(column.type):
            parts.append(json.dumps(column.to_pylist(), default=str, ensure_ascii=False))
    return "\n".join(parts)


def found(markers: list[str], text: str) -> list[str]:
    """The markers in a text, whatever the case."""
    low = text.lower()
    return [m for m in markers if m.lower() in low]
