"""MERGE of a frame into a Delta table by SQL: Delta's Python API needs the JVM."""

from __future__ import annotations

import uuid
from contextlib import nullcontext
from typing import TYPE_CHECKING

from contracts.table import Table
from runtime.lakehouse.commits import USER_METADATA
from runtime.lakehouse.platform import Platform, passing_setting, platform_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame


def merge(
    address: str, table: Table, frame: DataFrame, *, metadata: str, profile: Mapping[str, str]
) -> None:
    """Update the rows with the same key, and insert the others.

    address: the table as SQL names it. metadata: of the commit; serverless compute refuses it.
    """
    spark = frame.sparkSession
    view = f"new_{uuid.uuid4().hex}"  # several threads may share the session
    on = " AND ".join(f"kept.`{c}` <=> new.`{c}`" for c in table.key)
    # Named, not "*": the table may have columns that the contract no longer has.
    columns = [f"`{c}`" for c in table.column_names]
    changes = ", ".join(f"{c} = new.{c}" for c in columns)
    values = ", ".join(f"new.{c}" for c in columns)
    is_refused = platform_of(spark, profile) is Platform.SERVERLESS
    frame.createOrReplaceTempView(view)
    try:
        with nullcontext() if is_refused else passing_setting(spark, USER_METADATA, metadata):
            spark.sql(
                f"MERGE INTO {address} AS kept USING {view} AS new ON {on} "
                f"WHEN MATCHED THEN UPDATE SET {changes} "
                f"WHEN NOT MATCHED THEN INSERT ({', '.join(columns)}) VALUES ({values})"
            )
    finally:
        spark.catalog.dropTempView(view)
