"""Reads and writes Delta tables with Spark, by their names in contracts/.

All writes of one call are checked before the first is made. If one fails, the earlier ones are
rolled back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame, SparkSession, functions as F

from contracts.table import Table
from runtime.files import Location, table_location
from runtime.lakehouse.commits import WITHOUT_ROWS, changed_by, newest_version
from runtime.lakehouse.conflicts import retried
from runtime.lakehouse.content import content_measures
from runtime.lakehouse.ddl import changes_sql, columns_sql, create_sql
from runtime.lakehouse.merges import merge
from runtime.lakehouse.platform import KeptFrames, has_unity_catalog, platform_of, remove_folder
from runtime.lakehouse.run_leases import RunLeases
from runtime.lakehouse.table_history import newest_in_history
from runtime.lakehouse.temporary_tables import TemporaryTables
from runtime.lakehouse.unity_catalog import governed_sql
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
        self,
        spark: SparkSession,
        settings: Settings,
        run: RunInfo,
        is_dry: bool = False,
        *,
        leases: RunLeases | None = None,
    ) -> None:
        self.spark, self.settings, self.run, self.is_dry = spark, settings, run, is_dry
        self.leases = leases or RunLeases(settings, run, is_dry)
        self.planned: dict[str, DataFrame] = {}
        self._computed: set[str] = set()
        self.profile = settings.spark_profile_values()
        self.platform = platform_of(spark, self.profile)
        self.temporary = TemporaryTables(self)
        self._frames = KeptFrames(self.platform, self.temporary)

    @property
    def scratch(self) -> str:
        return self.temporary.folder

    # ------------------------------------------------------------------ reading

    def path(self, name: str) -> str:
        return str(table_location(self.settings.root, name))

    @property
    def _has_local_log(self) -> bool:
        """Whether the log of a table can be read as files of this machine."""
        return not (self.settings.lakehouse.catalog or self.settings.root.is_remote)

    def address(self, name: str) -> str:
        """The table's name in SQL: catalog.schema.table, or delta.`folder`."""
        return self.settings.lakehouse.address(name) or f"delta.`{self.path(name)}`"

    def exists(self, name: str) -> bool:
        if self.settings.lakehouse.catalog:
            return self.spark.catalog.tableExists(self.address(name))
        return self.version(name) is not None

    def version(self, name: str) -> int | None:
        """Newest Delta version of the table. None: the table does not exist."""
        if self._has_local_log:
            # DESCRIBE HISTORY gives the same with two Spark jobs.
            return newest_version(Location(self.path(name)))
        if self.settings.lakehouse.catalog and not self.exists(name):
            return None
        return newest_in_history(self.spark, self.address(name))

    def content_version(self, name: str) -> int | None:
        """Newest version that changed rows: `maintain` compacts files without a change of rows."""
        newest = self.version(name)
        if newest is None or self._has_local_log:
            return newest if newest is None else changed_by(Location(self.path(name)), newest)
        history = self._history(name).where(~F.col("operation").isin(*WITHOUT_ROWS))
        return int(history.agg(F.max("version")).collect()[0][0])  # one row

    def written_at(self, name: str) -> dt.datetime | None:
        """When a job last wrote the table (UTC). None: never. Maintenance does not count."""
        if not self.exists(name):
            return None
        # On serverless compute a merge has no metadata. Maintenance never merges.
        by_a_job = "userMetadata IS NOT NULL OR operation = 'MERGE'"
        newest = F.max(F.unix_timestamp("timestamp"))
        seconds = self._history(name).where(by_a_job).agg(newest).collect()[0][0]  # one row
        return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """The table, or an empty frame with its columns if it does not exist.

        Columns that the contract has gained since the table was written are null.
        """
        if table.name in self.planned:
            if table.name not in self._computed:
                # Cut the lineage: otherwise the query plan grows with each step.
                self.planned[table.name] = self._frames.cut(self.planned[table.name])
                self._computed.add(table.name)
            return self.planned[table.name]
        newest = self.version(table.name)
        if newest is None:
            return self.spark.createDataFrame([], columns_sql(table))
        self.run.inputs[table.name] = newest if version is None else version
        rows = self._load(table.name, self.run.inputs[table.name])
        gained = [c for c in table.columns if c.name not in rows.columns]
        nulls = [F.lit(None).cast(c.type).alias(c.name) for c in gained]
        return rows.select("*", *nulls) if gained else rows

    def frame(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> DataFrame:
        """A few rows of Python as a frame with the columns of the table."""
        values = [tuple(row[name] for name in table.column_names) for row in rows]
        return self.spark.createDataFrame(values, columns_sql(table))

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
        # A plan that joins a planned table twice would be analysed for minutes: cut the lineage.
        return self._frames.cut(frame) if self.is_dry else self._frames.keep(frame)

    def forget(self) -> None:
        if not self.is_dry:  # else later steps still read these frames
            self._frames.forget()

    def close(self) -> None:
        self.temporary.close()

    # ------------------------------------------------------------------ writing

    def commit(self, writes: Sequence[Write]) -> list[Written]:
        """Check all writes, then write all. After a failure every table is as it was before.

        The run holds the lease of each table meanwhile. A table whose lease is lost is not written,
        and not rolled back either: another run may have written it since.
        """
        with self.leases.on(w.table.name for w in writes):
            return self._commit(writes)

    def _commit(self, writes: Sequence[Write]) -> list[Written]:
        frames: list[DataFrame] = []
        before: dict[str, int | None] = {}
        try:
            frames += [self._frames.cached(w.frame) if w.is_checked else w.frame for w in writes]
            # A check is a few small jobs, and leaves cores idle while the next one is planned.
            pairs = list(zip(writes, frames, strict=True))
            outcomes = side_by_side(
                self.spark, lambda pair: self._check(*pair), pairs, at_once=CHECKS_AT_ONCE
            )
            for (write, frame), outcome in zip(pairs, outcomes, strict=True):
                if self.is_dry:
                    self._plan(write)
                elif outcome.is_changed:
                    self.leases.check(write.table.name)
                    before.setdefault(write.table.name, self.version(write.table.name))
                    self.create(write.table)
                    retried(lambda w=write, f=frame: self._write(w, f))  # type: ignore[misc]
            return outcomes
        except BaseException:
            for name, version in before.items():
                self._roll_back(name, version)
            raise
        finally:
            for write, frame in zip(writes, frames, strict=False):
                if write.is_checked and not self.is_dry:
                    self._frames.free(frame)

    def create(self, table: Table) -> None:
        """Create the table, or alter it where its contract has new or newly nullable columns."""
        if not self.exists(table.name):
            if self.settings.lakehouse.catalog:
                schema = self.address(table.name).rpartition(".")[0]
                self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            sql = create_sql(table, self.address(table.name), bool(self.settings.lakehouse.catalog))
            present, changes = None, []
            retried(lambda: self.spark.sql(sql))
        else:
            present = {f.name: f.nullable for f in self._load(table.name).schema}
            changes = changes_sql(table, present, self.address(table.name))
        if has_unity_catalog(self.settings.lakehouse.catalog):
            changes += governed_sql(table, present, self.address)
        for sql in changes:
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

    def _history(self, name: str) -> DataFrame:
        """The commits of a table, newest first."""
        return self.spark.sql(f"DESCRIBE HISTORY {self.address(name)}")

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
        self.leases.check(write.table.name)  # before each attempt
        if write.mode == "merge":
            return merge(
                self.address(write.table.name),
                write.table,
                frame,
                metadata=self.leases.message(write.table.name),
                profile=self.profile,
            )
        target = (
            frame.write.format("delta")
            .mode("overwrite")
            .option("replaceWhere", write.predicate())
            .option("userMetadata", self.leases.message(write.table.name))
        )
        if self.settings.lakehouse.catalog:
            target.saveAsTable(self.address(write.table.name))
        else:
            target.save(self.path(write.table.name))
        return None

    def _plan(self, write: Write) -> None:
        """Keep what a dry run would have written, for later steps to read."""
        self.planned[write.table.name] = write.applied_to(self.read(write.table))
        self._computed.discard(write.table.name)

    def _roll_back(self, name: str, version: int | None) -> None:
        if self.leases.is_lost(name):
            return
        if version is not None:
            if self.version(name) != version:
                self.spark.sql(f"RESTORE TABLE {self.address(name)} TO VERSION AS OF {version}")
        elif self.settings.lakehouse.catalog:
            self.spark.sql(f"DROP TABLE IF EXISTS {self.address(name)}")
        else:
            remove_folder(self.spark, self.path(name))
