"""Delta tables that the service and its jobs write, without an engine."""

from __future__ import annotations

from pathlib import Path

from deltalake import DeltaTable

from contracts.table import Table
from runtime.lakehouse.arrow_types import arrow_schema
from runtime.lakehouse.ddl import properties_of


def opened(path: str, table: Table) -> DeltaTable:
    """The table at a path, created by its contract if it does not exist."""
    if not DeltaTable.is_deltatable(path):
        Path(path).mkdir(parents=True, exist_ok=True)
        DeltaTable.create(
            path,
            schema=arrow_schema(table),
            mode="ignore",
            description=table.description,
            configuration=properties_of(table),
        )
    return DeltaTable(path)
