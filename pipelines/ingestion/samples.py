"""A sample of the rows of a source, read without Spark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from pipelines.ingestion.source_files import RESERVED, title_of
from runtime.files import Location


@dataclass(frozen=True)
class SampledFile:
    """A file of a sample. types: of its columns, by their names in bronze. rows: about how many."""

    path: Location
    types: Mapping[str, str]
    rows: int

    @property
    def title(self) -> str:
        """The file as messages name it."""
        return self.path.name


@dataclass(frozen=True)
class Sample:
    """Rows of a source.

    table: the source's columns by their names in bronze, then `_file` and `_malformed`. headers:
    name in bronze -> name in the first file that has it. rows_in_all: rows of all files together,
    estimated if a file was not read whole. parts: the files that were read.
    """

    files: tuple[str, ...]
    table: pa.Table
    headers: Mapping[str, str]
    rows_in_all: int
    parts: tuple[SampledFile, ...]

    @property
    def title(self) -> str:
        """The files as a message names them: the first one, and the number of others."""
        return title_of(self.files)

    @property
    def types(self) -> dict[str, str]:
        """The source's own columns and their types."""
        return own_types(self.table)


def own_types(table: pa.Table) -> dict[str, str]:
    """The columns of a source and their types, without those that ingest adds."""
    return {f.name: str(f.type) for f in table.schema if f.name not in RESERVED}
