"""The newest version of a Delta table whose log cannot be read as files of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Delta's error where a folder or an object store has no table at the address.
NO_TABLE = "DELTA_TABLE_ONLY_OPERATION"


def newest_in_history(spark: SparkSession, address: str) -> int | None:
    """The newest version by DESCRIBE HISTORY. None: there is no table at the address."""
    try:
        newest = spark.sql(f"DESCRIBE HISTORY {address} LIMIT 1").select("version").collect()
    except AnalysisException as error:
        if error.getCondition() == NO_TABLE:
            return None
        raise
    return int(newest[0][0])  # one row
