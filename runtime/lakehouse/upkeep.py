"""Upkeep of one Delta table: its size, compaction, files of old versions."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.files import Location
from runtime.lakehouse.spark_lake import SparkLake


@dataclass(frozen=True)
class Stored:
    """Files and bytes of a table's newest version. on_disk: with older versions; None: unknown."""

    files: int
    size: int
    on_disk: int | None


def stored(lake: SparkLake, name: str) -> Stored:
    """What a table stores. on_disk is unknown in a catalog."""
    detail = lake.spark.sql(f"DESCRIBE DETAIL {lake.address(name)}")
    row = detail.select("numFiles", "sizeInBytes").collect()[0]  # one row
    if lake.settings.lakehouse.catalog:
        return Stored(int(row[0]), int(row[1]), None)
    files = Location(lake.path(name)).files(is_recursive=True)
    data = [f for f in files if f.suffix == ".parquet" and "/_delta_log/" not in f.uri]
    return Stored(int(row[0]), int(row[1]), sum(f.size for f in data))


def delete(lake: SparkLake, name: str, condition: str) -> None:
    """Delete the rows for which the SQL condition is true."""
    # Without commit metadata: it marks the commits of the jobs that write rows.
    lake.spark.sql(f"DELETE FROM {lake.address(name)} WHERE {condition}")


def compact(lake: SparkLake, name: str) -> None:
    """Rewrite small files as few large ones. No row changes."""
    lake.spark.sql(f"OPTIMIZE {lake.address(name)}")


def vacuum(lake: SparkLake, name: str, days: int) -> None:
    """Delete the files that no version of the last `days` days uses. days: at least 7."""
    lake.spark.sql(f"VACUUM {lake.address(name)} RETAIN {24 * days} HOURS")
