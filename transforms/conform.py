"""The last step of every transform: the columns of a contract, in its order and types."""

from __future__ import annotations

from pyspark.sql import DataFrame, functions as F

from contracts.table import Table


def conform(rows: DataFrame, table: Table) -> DataFrame:
    """Select and cast to the contract. A missing column raises an error that names it."""
    return rows.select(*[F.col(c.name).cast(c.type).alias(c.name) for c in table.columns])
