"""The files of a source, and column names that every Delta reader accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from contracts.bronze import METADATA, ON_THE_WAY, stored_name
from runtime.errors import SourceError
from runtime.wording import one_line
from transforms.source_reads import storable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PATH, MALFORMED = "_path", "_malformed"
RESERVED = (*ON_THE_WAY, *(c.name for c in METADATA))

# These options override a source's own. With another mode, rows would be lost silently. With column
# pruning, Spark would not notice that a row has too few or too many columns.
FORCED_OPTIONS = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": MALFORMED,
    "columnPruning": "false",
}


# Formats whose sources are tables, not files.
TABLE_FORMATS = ("jdbc", "delta")
SMALL_BYTES = 256 * 1024 * 1024


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
        """The path to read. `path` is as Spark reports it, with %20 for a space."""
        return unquote(self.path)

    @property
    def is_local(self) -> bool:
        """Whether the file is in a file system of this machine."""
        return self.path.startswith("file:")

    @property
    def local_path(self) -> str:
        """The path without file:, of which Spark writes both file:/a and file:///a."""
        return "/" + self.location.removeprefix("file:").lstrip("/")


def title_of(names: Sequence[str]) -> str:
    """Files as a message names them: the first one, and the number of others.

    >>> title_of(["a.csv"]), title_of(["a.csv", "b.csv", "c.csv"])
    ('a.csv', 'a.csv and 2 more')
    """
    more = len(names) - 1
    return one_line(names[0]) + (f" and {more} more" if more else "")


@dataclass(frozen=True)
class Part:
    """Files of a source that have the same columns, as one frame."""

    files: tuple[SourceFile, ...]
    frame: DataFrame

    @property
    def title(self) -> str:
        """The files as a message names them: the first one, and the number of others."""
        return title_of([file.name for file in self.files])

    @property
    def is_small(self) -> bool:
        """Whether the rows may be kept, so that they are read once."""
        return sum(file.length for file in self.files) < SMALL_BYTES

    @property
    def types(self) -> dict[str, str]:
        """The source's own columns and their types."""
        fields = self.frame.schema.fields
        return {f.name: f.dataType.simpleString() for f in fields if f.name not in RESERVED}


class Described(Protocol):
    """Files with the same columns, as a message describes them."""

    @property
    def title(self) -> str: ...

    @property
    def types(self) -> Mapping[str, str]: ...


def batch_id(source: str, name: str, length: int, *, modified_ms: int) -> str:
    """Identifies the content of a file without reading it. It does not depend on the folder.

    >>> len(batch_id("orders", "day1.csv", 120, modified_ms=1514764800000))
    16
    """
    return sha256(f"{source}\n{name}\n{length}\n{modified_ms}".encode()).hexdigest()[:16]


def column_clash(columns: Sequence[str]) -> str | None:
    """Why columns cannot be stored: two would have the same name, or one a name of ingest."""
    taken = {c.lower() for c in RESERVED}
    for column in columns:
        name = stored_name(column)
        if name.lower() in taken and column not in (PATH, MALFORMED):
            return (
                f"has a column {column!r}, but the name {name} is already taken. Names are "
                f"case-insensitive, and these are reserved for ingest: {', '.join(RESERVED)}"
            )
        taken.add(name.lower())
    return None


def named(source: str, file: str, frame: DataFrame) -> DataFrame:
    """The frame with column names that Delta accepts and types that every Delta reader has.

    SourceError if two columns would have the same name, or one has a name that ingest needs.
    """
    if clash := column_clash(frame.columns):
        raise SourceError(f"source {source}: {file} {clash}. Rename the column in the file.")
    names = {c: c if c in (PATH, MALFORMED) else stored_name(c) for c in frame.columns}
    return storable(frame, names)
