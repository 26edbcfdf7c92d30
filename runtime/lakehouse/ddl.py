"""SQL statements that create and alter the Delta table of a contract. Needs no engine."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.table import Table

# Delta's default number of columns with statistics.
STATISTICS_COLUMNS = 32

# Delta refuses these by name (DELTA_COLUMN_DATA_SKIPPING_NOT_SUPPORTED_TYPE).
NO_STATISTICS = ("boolean", "binary", "array", "map", "struct")


def create_sql(table: Table, address: str, is_clustered: bool) -> str:
    """The CREATE TABLE statement of a contract. Delta readers of version 1 can read the table.

    is_clustered: use liquid clustering. delta-rs cannot write such tables, so only tables in a
    catalog have it.
    """
    columns = ",\n  ".join(
        f"`{c.name}` {c.type}{'' if c.nullable else ' NOT NULL'} COMMENT {quoted(c.comment)}"
        for c in table.columns
    )
    clustered = table.cluster_by and is_clustered
    properties = ", ".join(f"'{k}' = {quoted(v)}" for k, v in properties_of(table).items())
    return (
        f"CREATE TABLE IF NOT EXISTS {address} (\n  {columns}\n) USING delta"
        + (f"\nCLUSTER BY ({', '.join(table.cluster_by)})" if clustered else "")
        + f"\nCOMMENT {quoted(table.description)}"
        + (f"\nTBLPROPERTIES ({properties})" if properties else "")
    )


def changes_sql(table: Table, present: Mapping[str, bool], address: str) -> list[str]:
    """ALTER TABLE statements that add new columns and drop NOT NULL where it no longer applies.

    A column that the contract no longer has stays, without NOT NULL: it is null in new rows.

    present: the columns of the table, each with whether it is nullable. Existing rows get null in a
    new column.
    """
    gained = [c for c in table.columns if c.name not in present]
    listed = ", ".join(f"`{c.name}` {c.type} COMMENT {quoted(c.comment)}" for c in gained)
    required = {c.name for c in table.columns if not c.nullable}
    freed = [name for name, nullable in present.items() if not nullable and name not in required]
    return [f"ALTER TABLE {address} ADD COLUMNS ({listed})"] * bool(gained) + [
        f"ALTER TABLE {address} ALTER COLUMN `{name}` DROP NOT NULL" for name in freed
    ]


def columns_sql(table: Table) -> str:
    """The columns as a DDL string for createDataFrame. Names are quoted.

    >>> from contracts.table import Column
    >>> columns_sql(Table("bronze.b", "a row", (Column("user-id", "string", ""),)))
    '`user-id` string'
    """
    return ", ".join(f"`{c.name}` {c.type}" for c in table.columns)


def properties_of(table: Table) -> dict[str, str]:
    """Table properties: no column statistics for personal columns.

    Statistics would keep values in the Delta log after a person is erased.
    """
    if not table.personal_columns:
        return {}
    kept = [
        f"`{c.name}`"
        for c in table.columns
        if not c.personal and not c.type.startswith(NO_STATISTICS)
    ]
    return {"delta.dataSkippingStatsColumns": ",".join(kept[:STATISTICS_COLUMNS])}


def quoted(text: str) -> str:
    """A text as a SQL literal of Spark.

    >>> quoted("Can't")
    "'Can\\\\'t'"
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
