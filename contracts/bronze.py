"""Bronze: each source as it came. One table a source, named after it, with its own columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from contracts.table import Column, Table

METADATA = (
    Column(
        "_batch_id",
        "string",
        "The file (or read) that the row came with; replaced as a whole",
        False,
    ),
    Column(
        "_file", "string", "Where the row came from: file name without its folder, or the table"
    ),
    Column("_known_at", "timestamp", "When the row reached us (UTC)", False),
    Column(
        "_rescued",
        "string",
        "JSON of what the source's first schema has no column for; null: nothing",
    ),
)

# Columns that ingest adds on the way; with METADATA, names that a source must leave free.
ON_THE_WAY = (
    "_path",
    "_malformed",
    "_type_changes",
    "_rank",
    "_is_history",
    "_row_id",
    "_source",
    "_faults",
    "_errors",
    "_outcome",
    "_is_stored",
)

INGEST_LOG = Table(
    name="bronze.ingest_log",
    row="One file or read of a source that was taken in, whole.",
    key=("source", "batch_id"),
    slice_by="batch_id",
    columns=(
        Column("source", "string", "Name of the source in conf", False),
        Column("batch_id", "string", "Identifier of the file: of its name, length and time", False),
        Column("file", "string", "File name without its folder, or the table that was read"),
        Column("known_at", "timestamp", "When it reached us (UTC)", False),
        Column("rows_in", "bigint", "Rows read", False),
        Column("rows_kept", "bigint", "Rows written to silver", False),
        Column("rows_quarantined", "bigint", "Rows written to silver.quarantine", False),
        Column("rows_duplicate", "bigint", "Exact duplicates dropped", False),
    ),
)


def source_table(source: str, types: Mapping[str, str], is_personal: bool) -> Table:
    """bronze.<source> for the columns of the source (name -> SQL type), as its first load had them.

    `is_personal`: the source feeds personal columns. Which of its own columns hold them cannot be
    told from a mapping's text, so all count as personal and none has statistics.
    """
    own = tuple(
        Column(name, sql_type, "As the source gives it", personal=is_personal)
        for name, sql_type in types.items()
    )
    kept = tuple(replace(c, personal=is_personal and c.name == "_rescued") for c in METADATA)
    return Table(
        name=f"bronze.{source}",
        row=f"One row of the source {source}, as it came.",
        slice_by="_batch_id",
        columns=(*own, *kept),
    )
