"""Bronze: the source data, unchanged. One table per source, with its name and columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from contracts.rules import FILE_RULES
from contracts.table import Column, Table

METADATA = (
    Column(
        "_batch_id",
        "string",
        "Identifier of the file or table read that delivered the row",
        False,
    ),
    Column("_file", "string", "File name without its folder, or the name of the source table"),
    Column("_known_at", "timestamp", "When the row arrived (UTC)", False),
    Column(
        "_rescued",
        "string",
        "JSON of the values that fit no column of the first load; null: none",
    ),
)

# Temporary columns of ingest. A source must not use these names, nor those in METADATA.
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
    "_is_left_out",
    "_is_erased",
    "_contact",
    "_words",
)

# Delta refuses these characters in a column name, except the last two: Spark reads a dot as a field
# of a struct, and a backtick ends a quoted name.
_REFUSED = re.compile(r"[ ,;{}()\n\t=.`]")


def stored_name(header: str) -> str:
    """The name in bronze of a column of a source: of the same length, without refused characters.

    >>> stored_name("Unit price (EUR)")
    'Unit_price__EUR_'
    """
    return _REFUSED.sub("_", header)


INGEST_LOG = Table(
    name="bronze.ingest_log",
    row="One row per file or table read of a source that ingest has loaded completely, or has "
    "quarantined as a file.",
    key=("source", "batch_id"),
    slice_by="batch_id",
    columns=(
        Column("source", "string", "Name of the source in conf", False),
        Column(
            "batch_id", "string", "Identifier of the file, from its name, length and time", False
        ),
        Column("file", "string", "File name without its folder, or the name of the source table"),
        Column("known_at", "timestamp", "When the file arrived (UTC)", False),
        Column("rows_in", "bigint", "Rows read", False),
        Column("rows_kept", "bigint", "Rows written to silver", False),
        Column("rows_quarantined", "bigint", "Rows written to silver.quarantine", False),
        Column("rows_duplicate", "bigint", "Exact duplicates dropped", False),
        Column(
            "rows_left_out",
            "bigint",
            "Rows left out by the source's `where`; null: loaded by a version without `where`",
        ),
        Column(
            "rows_erased",
            "bigint",
            "Rows of customers on silver.erasure_list, stored nowhere; null: loaded by a version "
            "without erasure",
        ),
        Column(
            "fault",
            "string",
            f"Rule that the file broke ({', '.join(FILE_RULES)}), so that none of its rows were "
            "loaded; null: the file was loaded",
        ),
    ),
)


def source_table(source: str, types: Mapping[str, str]) -> Table:
    """The contract of bronze.<source>, from the columns of its first load (name -> SQL type).

    No mapping shows which columns of a source hold personal data: an export of orders often has an
    e-mail address that is not mapped. So all columns of the source count as personal and have no
    statistics.
    """
    own = tuple(
        Column(name, sql_type, "Value from the source, unchanged", personal=True)
        for name, sql_type in types.items()
    )
    kept = tuple(replace(c, personal=c.name == "_rescued") for c in METADATA)
    return Table(
        name=f"bronze.{source}",
        row=f"One row per row of the source {source}, unchanged.",
        slice_by="_batch_id",
        columns=(*own, *kept),
    )
