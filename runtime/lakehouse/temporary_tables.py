"""Temporary Delta tables and files of one run, deleted when the run ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from runtime.lakehouse.platform import Platform, remove_folder

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.lakehouse.spark_lake import SparkLake

# A folder that all workers can access, for a lakehouse in a catalog on more than one machine.
SCRATCH_KEY = "spark.holdfast.scratch"


class TemporaryTables:
    """Tables in the schema `temporary` of the catalog, or in a folder of the lakehouse's root.

    A killed process leaves them behind: they can be deleted when no run is at work.
    """

    def __init__(self, lake: SparkLake) -> None:
        self.lake = lake
        self._stored: dict[int, tuple[DataFrame, str]] = {}
        self._count, self._is_folder_used = 0, False

    @property
    def folder(self) -> str:
        """The run's folder for temporary files: below spark.holdfast.scratch, else in the root."""
        self._is_folder_used = True
        name = f"temporary_{self.lake.run.run_id}"
        given = self.lake.profile.get(SCRATCH_KEY)
        if given is None and self.lake.platform is not Platform.SERVERLESS:
            given = self.lake.spark.conf.get(SCRATCH_KEY, None)  # an option of spark-submit
        return f"{given.rstrip('/')}/{name}" if given else self.lake.path(name)

    def store(self, frame: DataFrame) -> DataFrame:
        """The frame, written as a table and read from it."""
        self._count += 1
        name = f"run_{self.lake.run.run_id}_{self._count}"
        # Delta stores no column of type void. With column mapping it stores names with spaces.
        void = {f.name: F.lit(None).cast("string") for f in frame.schema if _is_void(f.dataType)}
        writer = (frame.withColumns(void) if void else frame).write.format("delta")
        writer = writer.option("delta.columnMapping.mode", "name")
        spark, address = self.lake.spark, self.lake.settings.lakehouse.address(f"temporary.{name}")
        if address:
            spark.sql(f"CREATE SCHEMA IF NOT EXISTS {address.rpartition('.')[0]}")
            writer.saveAsTable(address)
            stored = spark.read.table(address)
        else:
            address = f"{self.folder}/{name}"
            writer.save(address)
            stored = spark.read.format("delta").load(address)
        self._stored[id(stored)] = stored, address
        return stored

    def discard(self, frame: DataFrame) -> None:
        """Delete the table of a frame that `store` returned."""
        _, address = self._stored.pop(id(frame))
        if self.lake.settings.lakehouse.catalog:
            self.lake.spark.sql(f"DROP TABLE IF EXISTS {address}")
        else:
            remove_folder(self.lake.spark, address)

    def close(self) -> None:
        """Delete all tables and the folder."""
        for frame, _ in list(self._stored.values()):
            self.discard(frame)
        if self._is_folder_used:
            remove_folder(self.lake.spark, self.folder)


def _is_void(kind: object) -> bool:
    return type(kind).__name__ == "NullType"
