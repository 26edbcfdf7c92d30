"""The files of a source, and column names that every Delta reader accepts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from contracts.bronze import METADATA, ON_THE_WAY, stored_name
from runtime.errors import SourceError
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


@dataclass(frozen=True)
class Part:
    """Files of a source that have the same columns, as one frame."""

    files: tuple[SourceFile, ...]
    frame: DataFrame

    @property
    def title(self) -> str:
        """The files as a message names them: the first one, and the number of others."""
        more = len(self.files) - 1
        return self.files[0].name + (f" and {more} more" if more else "")

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


def named(source: str, file: str, frame: DataFrame) -> DataFrame:
    """The frame with column names that Delta accepts and types that every Delta reader has.

    SourceError if two columns would have the same name, or one has a name that ingest needs.
    """
    names, taken = {}, {c.lower() for c in RESERVED}
    for column in frame.columns:
        if column in (PATH, MALFORMED):
            names[column] = column
            continue
        name = stored_name(column)
        if name.lower() in taken:
            raise SourceError(
                f"source {source}: {file} has a column {column!r}, but the name {name} is already "
                f"taken. Names are case-insensitive, and these are reserved for "
                f"ingest: {', '.join(RESERVED)}. Rename the column in the file."
            )
        taken.add(name.lower())
        names[column] = name
    return storable(frame, names)
