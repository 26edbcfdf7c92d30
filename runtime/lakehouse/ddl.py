"""A contract as the SQL that makes its Delta table. Engine-free."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.table import Table

# Delta keeps statistics of this many columns unless told otherwise.
STATISTICS_COLUMNS = 32

# Delta refuses these by name (DELTA_COLUMN_DATA_SKIPPING_NOT_SUPPORTED_TYPE).
NO_STATISTICS = ("boolean", "binary", "array", "map", "struct")


def create_sql(table: Table, address: str, is_clustered: bool) -> str:
    """CREATE TABLE as the contract says. Readers of version 1 can open what it makes.

    Liquid clustering needs a newer writer than delta-rs is; it is for where a catalog serves.
    """
    columns = ",\n  ".join(
        f"`{c.name}` {c.type}{'' if c.nullable else ' NOT NULL'} COMMENT {_quoted(c.comment)}"
        for c in table.columns
    )
    clustered = table.cluster_by and is_clustered
    properties = ", ".join(f"'{k}' = {_quoted(v)}" for k, v in properties_of(table).items())
    return (
        f"CREATE TABLE IF NOT EXISTS {address} (\n  {columns}\n) USING delta"
        + (f"\nCLUSTER BY ({', '.join(table.cluster_by)})" if clustered else "")
        + f"\nCOMMENT {_quoted(table.description)}"
        + (f"\nTBLPROPERTIES ({properties})" if properties else "")
    )


def changes_sql(table: Table, there: Mapping[str, bool], address: str) -> list[str]:
    """ALTER TABLE for columns that the contract has gained, and for those that it no longer
    requires. `there`: of each column of the table whether it may be null.

    Rows that are there have null in a gained column.
    """
    gained = [c for c in table.columns if c.name not in there]
    listed = ", ".join(f"`{c.name}` {c.type} COMMENT {_quoted(c.comment)}" for c in gained)
    freed = [c for c in table.columns if c.nullable and not there.get(c.name, True)]
    return [f"ALTER TABLE {address} ADD COLUMNS ({listed})"] * bool(gained) + [
        f"ALTER TABLE {address} ALTER COLUMN `{c.name}` DROP NOT NULL" for c in freed
    ]


def columns_sql(table: Table) -> str:
    """The columns as createDataFrame takes them, whatever signs their names have.

    >>> columns_sql(Table("bronze.b", "a row", (Column("user-id", "string", ""),)))
    '`user-id` string'
    """
    return ", ".join(f"`{c.name}` {c.type}" for c in table.columns)


def properties_of(table: Table) -> dict[str, str]:
    """Statistics of a personal column would keep its values in the log after an erasure."""
    if not table.personal_columns:
        return {}
    kept = [
        f"`{c.name}`"
        for c in table.columns
        if not c.personal and not c.type.startswith(NO_STATISTICS)
    ]
    return {"delta.dataSkippingStatsColumns": ",".join(kept[:STATISTICS_COLUMNS])}


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
