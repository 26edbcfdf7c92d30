"""A source's files and reads as frames with names and types that every Delta reader has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from contracts.bronze import METADATA, ON_THE_WAY
from runtime.errors import SourceError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PATH, MALFORMED = "_path", "_malformed"
RESERVED = (*ON_THE_WAY, *(c.name for c in METADATA))

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
        """Where to read it; `path` is as Spark reports it, with %20 for a space."""
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


def named(source: str, file: str, frame: DataFrame) -> DataFrame:
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


@contextmanager
def explained(source: str) -> Iterator[None]:
    """Spark's errors about a source as SourceError: one sentence without a trace."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        raise _unreadable(source, str(error)) from None
    except Py4JJavaError as error:
        # What fails while it runs, not in the analysis of a plan, comes as Java's own exception.
        raise _unreadable(source, str(error.java_exception.getMessage())) from None


def _unreadable(source: str, text: str) -> SourceError:
    reason = text.splitlines()[0].partition(" SQLSTATE")[0]
    return SourceError(
        f"source {source}: cannot be read: {reason} "
        f"Mend path, format or options in conf, or the file."
    )
