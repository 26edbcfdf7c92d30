"""Remove rows from a Delta table, and everything that older versions of it stored."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from deltalake import DeltaTable

from runtime.fault_points import fault_point
from runtime.file_systems import delta_options
from runtime.files import Location
from runtime.lakehouse.commits import USER_METADATA
from runtime.lakehouse.platform import Platform, passing_setting, session_setting

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.lakehouse.spark_lake import SparkLake

# Delta refuses to delete files that a version of the last 7 days uses, unless this is false.
_RETENTION_CHECK = "spark.databricks.delta.retentionDurationCheck.enabled"
# A property whose change is a commit without rows and without values of the table.
PROPERTY = "holdfast.history_from"
_VERSIONED = re.compile(r"\.?(\d{20})\..+")


def delete_rows(lake: SparkLake, name: str, rows: DataFrame, *, on: Sequence[str]) -> None:
    """Delete the rows that equal one of `rows` in all columns of `on`; null equals null.

    A join with a temporary view: a literal would stay in the log as the commit's predicate.
    """
    view = f"gone_{uuid.uuid4().hex}"
    condition = " AND ".join(f"kept.`{c}` <=> gone.`{c}`" for c in on)
    is_refused = lake.platform is Platform.SERVERLESS
    metadata = lake.leases.message(name)
    rows.createOrReplaceTempView(view)
    try:
        with nullcontext() if is_refused else passing_setting(lake.spark, USER_METADATA, metadata):
            lake.spark.sql(
                f"MERGE INTO {lake.address(name)} AS kept USING {view} AS gone ON {condition} "
                "WHEN MATCHED THEN DELETE"
            )
    finally:
        lake.spark.catalog.dropTempView(view)


def forget_history(lake: SparkLake, name: str, moment: str) -> bool:
    """Delete the files and the log of all versions but the newest. moment: when, for the log.

    False: the table is in a catalog, where the platform deletes the log after
    delta.logRetentionDuration. In a folder delta-rs writes the checkpoint: it reads the list of
    the table's files, not the files, about 1 kB of memory per file.
    """
    spark, address = lake.spark, lake.address(name)
    if lake.settings.lakehouse.catalog:
        # Files that a deletion vector hides rows of are written again.
        spark.sql(f"REORG TABLE {address} APPLY (PURGE)")
    with session_setting(spark, _RETENTION_CHECK, "false"):
        spark.sql(f"VACUUM {address} RETAIN 0 HOURS")
    fault_point("erase_vacuumed")
    # The commit that deleted rows removes files, and may list their statistics. So one more
    # commit becomes the first of the log.
    spark.sql(f"ALTER TABLE {address} SET TBLPROPERTIES ('{PROPERTY}' = '{moment}')")
    if lake.settings.lakehouse.catalog:
        return False
    table = Location(lake.path(name))
    clean_log(table)
    return True


def clean_log(table: Location) -> None:
    """Write a checkpoint of the newest version, then delete the log of all versions before it.

    The newest commit must hold no statistics of rows that are gone.
    """
    delta = DeltaTable(str(table), storage_options=delta_options(str(table)))
    version, log = delta.version(), table / "_delta_log"
    for file in log.files():
        # Checksums by Hadoop of files that delta-rs writes again.
        if file.name == "._last_checkpoint.crc" or file.name.startswith(
            f".{version:020d}.checkpoint"
        ):
            file.delete()
    delta.create_checkpoint()
    fault_point("erase_checkpointed")
    for file in log.files():
        match = _VERSIONED.fullmatch(file.name)
        if match and int(match[1]) < version:
            file.delete()
