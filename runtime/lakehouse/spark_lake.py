"""Reads and writes Delta tables with Spark, by their names in contracts/.

All writes of one call are checked before the first is made. If one fails, the earlier ones are
rolled back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession, functions as F

from contracts.table import Table
from runtime.lakehouse.commits import WITHOUT_ROWS, CommitMetadata, changed_by
from runtime.lakehouse.conflicts import retried
from runtime.lakehouse.content import content_measures
from runtime.lakehouse.ddl import changes_sql, columns_sql, create_sql
from runtime.lakehouse.writes import Write, Written, check_columns, check_counts
from runtime.parallel import side_by_side
from runtime.run_info import RunInfo
from runtime.settings import Settings

# Tables of one commit that are checked in parallel.
CHECKS_AT_ONCE = 3


class SparkLake:
    """The lakehouse of one environment during one run. A dry run only counts rows."""

    engine = "spark"

    def __init__(
        self, spark: SparkSession, settings: Settings, run: RunInfo, is_dry: bool = False
    ) -> None:
        self.spark, self.settings, self.run, self.is_dry = spark, settings, run, is_dry
        self.planned: dict[str, DataFrame] = {}
        self._computed: set[str] = set()
        self._kept: list[DataFrame] = []

    # ------------------------------------------------------------------ reading

    def path(self, name: str) -> str:
        layer, _, short = name.partition(".")
        return str(self.settings.root / layer / short)

    def address(self, name: str) -> str:
        """The table's name in SQL: catalog.schema.table, or delta.`folder`."""
        return self.settings.lakehouse.address(name) or f"delta.`{self.path(name)}`"

    def exists(self, name: str) -> bool:
        if self.settings.lakehouse.catalog:
            return self.spark.catalog.tableExists(self.address(name))
        return DeltaTable.isDeltaTable(self.spark, self.path(name))

    def version(self, name: str) -> int | None:
        """Newest Delta version of the table. None: the table does not exist."""
        if self.settings.lakehouse.catalog:
            if not self.exists(name):
                return None
            return int(self._delta(name).history(1).select("version").collect()[0][0])  # one row
        # Each version is a file of the log. DESCRIBE HISTORY gives the same with two Spark jobs.
        commits = (Path(self.path(name)) / "_delta_log").glob("[0-9]*.json")
        return max((int(c.stem) for c in commits if c.stem.isdigit()), default=None)

    def content_version(self, name: str) -> int | None:
        """Newest version that changed rows: `maintain` compacts files without a change of rows."""
        newest = self.version(name)
        if newest is None or not self.settings.lakehouse.catalog:
            return newest if newest is None else changed_by(Path(self.path(name)), newest)
        history = self._delta(name).history().where(~F.col("operation").isin(*WITHOUT_ROWS))
        return int(history.agg(F.max("version")).collect()[0][0])  # one row

    def written_at(self, name: str) -> dt.datetime | None:
        """When a job last wrote the table (UTC). None: never. Maintenance does not count."""
        if not self.exists(name):
            return None
        written = self._delta(name).history().where("userMetadata IS NOT NULL")
        seconds = written.agg(F.max(F.unix_timestamp("timestamp"))).collect()[0][0]  # one row
        return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """The table, or an empty frame with its columns if it does not exist.

        Columns that the contract has gained since the table was written are null.
        """
        if table.name in self.planned:
            if table.name not in self._computed:
                # Cut the lineage: otherwise the query plan grows with each step.
                self.planned[table.name] = self.planned[table.name].localCheckpoint()
                self._computed.add(table.name)
            return self.planned[table.name]
        newest = self.version(table.name)
        if newest is None:
            return self.spark.createDataFrame([], columns_sql(table))
        self.run.inputs[table.name] = newest if version is None else version
        rows = self._load(table.name, self.run.inputs[table.name])
        gained = [c for c in table.columns if c.name not in rows.columns]
        if not gained:
            return rows
        return rows.select("*", *[F.lit(None).cast(c.type).alias(c.name) for c in gained])

    def with_computed(
        self, frame: DataFrame, name: str, column: str, *, function: Callable[..., Any]
    ) -> DataFrame:
        """The frame with a double column that pandas computes from one column. NaN becomes null."""
        computed = F.pandas_udf(function, "double")  # type: ignore[call-overload]
        return frame.withColumn(name, computed(F.col(column)))

    def stream(self, frame: DataFrame) -> Iterator[dict[str, Any]]:
        """The rows in the order of the frame. One partition at a time is on the driver."""
        return (row.asDict() for row in frame.toLocalIterator())

    def keep(self, frame: DataFrame) -> DataFrame:
        """Compute the frame once and reuse it until `forget`."""
        if self.is_dry:
            # Planned tables are one frame per table. A plan that joins such a frame twice would be
            # analysed for minutes, so the lineage is cut.
            return frame.localCheckpoint()
        self._kept.append(frame.persist(StorageLevel.MEMORY_AND_DISK))
        return self._kept[-1]

    def forget(self) -> None:
        if self.is_dry:
            return  # later steps still read these frames
        for frame in self._kept:
            frame.unpersist()
        self._kept.clear()

    # ------------------------------------------------------------------ writing

    def commit(self, writes: Sequence[Write]) -> list[Written]:
        """Check all writes, then write all. After a failure every table is as it was before."""
        frames = [
            w.frame.persist(StorageLevel.MEMORY_AND_DISK) if w.is_checked else w.frame
            for w in writes
        ]
        before: dict[str, int | None] = {}
        try:
            # A check is a few small jobs, and leaves cores idle while the next one is planned.
            pairs = list(zip(writes, frames, strict=True))
            outcomes = side_by_side(
                self.spark, lambda pair: self._check(*pair), pairs, at_once=CHECKS_AT_ONCE
            )
            for (write, frame), outcome in zip(pairs, outcomes, strict=True):
                if self.is_dry:
                    self._plan(write)
                elif outcome.is_changed:
                    before.setdefault(write.table.name, self.version(write.table.name))
                    self.create(write.table)
                    retried(lambda w=write, f=frame: self._write(w, f))  # type: ignore[misc]
            return outcomes
        except BaseException:
            for name, version in before.items():
                self._roll_back(name, version)
            raise
        finally:
            for write, frame in zip(writes, frames, strict=True):
                if write.is_checked and not self.is_dry:
                    frame.unpersist()

    def create(self, table: Table) -> None:
        """Create the table, or alter it where its contract has new or newly nullable columns."""
        if not self.exists(table.name):
            if self.settings.lakehouse.catalog:
                schema = self.address(table.name).rpartition(".")[0]
                self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            sql = create_sql(table, self.address(table.name), bool(self.settings.lakehouse.catalog))
            retried(lambda: self.spark.sql(sql))
            return
        present = {f.name: f.nullable for f in self._load(table.name).schema}
        for sql in changes_sql(table, present, self.address(table.name)):
            self.spark.sql(sql)

    # ------------------------------------------------------------------ inside

    def _load(self, name: str, version: int | None = None) -> DataFrame:
        """A version of an existing table, by default the newest. Not recorded as an input."""
        reader = self.spark.read
        if version is not None:
            reader = reader.option("versionAsOf", version)
        if self.settings.lakehouse.catalog:
            return reader.table(self.address(name))
        return reader.format("delta").load(self.path(name))

    def _delta(self, name: str) -> Any:
        if self.settings.lakehouse.catalog:
            return DeltaTable.forName(self.spark, self.address(name))
        return DeltaTable.forPath(self.spark, self.path(name))

    def _check(self, write: Write, frame: DataFrame) -> Written:
        table = write.table
        check_columns(table, {f.name: f.dataType.simpleString() for f in frame.schema.fields})
        if not write.is_checked:
            return Written(table.name, None, is_changed=True)
        outside = F.count_if(~F.expr(write.predicate())) if write.mode == "slice" else F.lit(0)
        measured = frame.agg(*content_measures(table.columns), outside.alias("outside"))
        counts = measured.collect()[0]  # one row
        duplicates = (
            frame.groupBy(*table.key).count().where("count > 1").count() if table.key else 0
        )
        check_counts(
            table,
            {c.name: counts[f"null_{c.name}"] for c in table.columns if not c.nullable},
            {c.name: counts[f"nan_{c.name}"] for c in table.columns if c.is_floating},
            duplicates=duplicates,
            outside=counts["outside"],
        )
        return Written(
            table.name, counts["rows"], self._is_changed(write, counts["rows"], counts["hash"])
        )

    def _is_changed(self, write: Write, rows: int, content: int | None) -> bool:
        if write.mode != "slice" or not self.exists(write.table.name):
            return True
        present = self._load(write.table.name)
        if not set(write.table.column_names) <= set(present.columns):
            return True
        measured = present.where(write.predicate()).agg(*content_measures(write.table.columns))
        old = measured.collect()[0]  # one row
        return (old["rows"], old["hash"]) != (rows, content)

    def _write(self, write: Write, frame: DataFrame) -> None:
        if write.mode == "merge":
            return self._merge(write.table, frame)
        target = (
            frame.write.format("delta")
            .mode("overwrite")
            .option("replaceWhere", write.predicate())
            .option("userMetadata", self.run.commit_message())
        )
        if self.settings.lakehouse.catalog:
            target.saveAsTable(self.address(write.table.name))
        else:
            target.save(self.path(write.table.name))
        return None

    def _merge(self, table: Table, frame: DataFrame) -> None:
        on = " AND ".join(f"kept.{c} <=> new.{c}" for c in table.key)
        # Named, not "all": the table may have columns that the contract no longer has.
        values = {f"`{c}`": f"new.`{c}`" for c in table.column_names}
        with CommitMetadata(self.spark, self.run.commit_message()):
            (
                self._delta(table.name)
                .alias("kept")
                .merge(frame.alias("new"), on)
                .whenMatchedUpdate(set=values)
                .whenNotMatchedInsert(values=values)
                .execute()
            )

    def _plan(self, write: Write) -> None:
        """Keep what a dry run would have written, for later steps to read."""
        present = self.read(write.table)
        if write.mode == "slice":
            unchanged = present.where(f"NOT ({write.predicate()})")
        else:
            unchanged = present.join(
                write.frame.select(*write.table.key), list(write.table.key), "left_anti"
            )
        names = write.table.column_names
        self.planned[write.table.name] = unchanged.select(*names).unionByName(
            write.frame.select(*names)
        )
        self._computed.discard(write.table.name)

    def _roll_back(self, name: str, version: int | None) -> None:
        if version is not None:
            if self.version(name) != version:
                self.spark.sql(f"RESTORE TABLE {self.address(name)} TO VERSION AS OF {version}")
        elif self.settings.lakehouse.catalog:
            self.spark.sql(f"DROP TABLE IF EXISTS {self.address(name)}")
        else:
            jvm: Any = self.spark._jvm
            path = jvm.org.apache.hadoop.fs.Path(self.path(name))
            files = path.getFileSystem(self.spark._jsc.hadoopConfiguration())
            files.delete(path, True)
