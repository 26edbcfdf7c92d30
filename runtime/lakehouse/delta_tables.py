"""Delta tables through delta-rs: opened as their contracts say, without an engine."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable, Schema

from contracts.table import Table
from runtime.lakehouse.arrow_types import arrow_schema, nullable
from runtime.lakehouse.ddl import properties_of


def opened(path: str, table: Table, options: Mapping[str, str] | None = None) -> DeltaTable:
    """The table at a path, created by its contract if it does not exist.

    Columns that the contract has gained are added; existing rows get null. options: of an object
    store; None: a folder.
    """
    given = None if options is None else dict(options)
    if not DeltaTable.is_deltatable(path, given):
        if given is None:
            os.makedirs(path, exist_ok=True)
        DeltaTable.create(
            path,
            schema=arrow_schema(table),
            mode="ignore",
            description=table.description,
            configuration=properties_of(table),
            storage_options=given,
        )
    delta = DeltaTable(path, storage_options=given)
    present = {field.name for field in delta.schema().fields}
    wanted = Schema.from_arrow(nullable(arrow_schema(table)))
    gained = [field for field in wanted.fields if field.name not in present]
    if gained:
        delta.alter.add_columns(gained)
    return delta


def dataset_of(delta: DeltaTable, table: Table) -> ds.Dataset:
    """The rows of a table. Columns that the contract has gained since are null."""
    rows = delta.to_pyarrow_dataset()
    gained = [f for f in nullable(arrow_schema(table)) if f.name not in rows.schema.names]
    return rows.replace_schema(pa.schema([*rows.schema, *gained])) if gained else rows
