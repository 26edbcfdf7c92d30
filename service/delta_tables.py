"""Delta tables that the service and its jobs write, without an engine."""

from __future__ import annotations

from pathlib import Path

from deltalake import DeltaTable, Schema

from contracts.table import Table
from runtime.lakehouse.arrow_types import arrow_schema, nullable
from runtime.lakehouse.ddl import properties_of


def opened(path: str, table: Table) -> DeltaTable:
    """The table at a path, created by its contract if it does not exist.

    Columns that the contract has gained are added; existing rows get null.
    """
    if not DeltaTable.is_deltatable(path):
        Path(path).mkdir(parents=True, exist_ok=True)
        DeltaTable.create(
            path,
            schema=arrow_schema(table),
            mode="ignore",
            description=table.description,
            configuration=properties_of(table),
        )
    delta = DeltaTable(path)
    present = {field.name for field in delta.schema().fields}
    wanted = Schema.from_arrow(nullable(arrow_schema(table)))
    gained = [field for field in wanted.fields if field.name not in present]
    if gained:
        delta.alter.add_columns(gained)
    return delta
