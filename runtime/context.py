"""The context of one run: settings, lake, as_of and progress."""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from contracts import catalog
from contracts.table import Table
from runtime.errors import TableError, UsageError
from runtime.lakehouse.platform import Platform, platform_of, running_tasks
from runtime.lakehouse.run_leases import RunLeases
from runtime.lakehouse.session import spark_session
from runtime.progress import Progress
from runtime.run_info import RunInfo
from runtime.settings import Settings
from udfs.formula import FormulaError, SqlFormula
from udfs.registry import formulas

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from runtime.lakehouse.lake import Lake
    from runtime.lakehouse.writes import Write


@dataclass
class Context:
    """One run of one command, or of all steps of the full pipeline.

    given_as_of: the argument --as-of; None: as_of comes from conf or from the data.
    """

    settings: Settings
    run: RunInfo
    progress: Progress = field(default_factory=Progress)
    given_as_of: dt.date | None = None
    is_dry: bool = False
    engine: str = "spark"
    # Set by `at` only.
    _day: dt.date | None = None

    @cached_property
    def spark(self) -> SparkSession:
        return spark_session(self.settings, self.run.job)

    @property
    def has_jvm(self) -> bool:
        """False on Spark Connect: what needs RDDs, such as xgboost.spark, does not run."""
        return platform_of(self.spark, {}) is Platform.CLASSIC

    @cached_property
    def lake(self) -> Lake:
        if self.engine == "duckdb":
            from runtime.lakehouse.duck_lake import DuckLake

            return DuckLake(self.settings, self.run, self.is_dry, leases=self.leases)
        from runtime.lakehouse.session_store import check_session
        from runtime.lakehouse.spark_lake import SparkLake

        if not self.settings.lakehouse.catalog:
            check_session(self.spark, self.settings.root)
        self.progress.tasks = partial(running_tasks, self.spark)
        return SparkLake(self.spark, self.settings, self.run, self.is_dry, leases=self.leases)

    @cached_property
    def leases(self) -> RunLeases:
        return RunLeases(self.settings, self.run, self.is_dry, tell=self.progress.say)

    def close(self) -> None:
        """Delete the temporary tables and files of the run."""
        if "lake" in vars(self):
            self.lake.close()

    @cached_property
    def tables(self) -> dict[str, Table]:
        """Every table's contract by name, with the windows of conf."""
        return catalog.tables(self.settings.features.windows_days)

    @cached_property
    def formulas(self) -> dict[str, SqlFormula]:
        """The scoring formulas by name, with the constants of conf."""
        try:
            return {f.name: f for f in formulas(self.settings.model_dump())}
        except FormulaError as error:
            raise UsageError(str(error)) from None

    def at(self, day: dt.date) -> Context:
        """The same run with another as_of. It shares session, lake and progress with this one.

        The day may lie after the last complete day of purchases, as the delivery days of a plan do.
        """
        self.lake  # noqa: B018  (made before the copy, so that both use the same one)
        other = copy.copy(self)
        other._day = day
        return other

    def in_session(self, spark: SparkSession) -> Context:
        """The same run in another session of Spark, such as that of a micro-batch."""
        self.leases  # noqa: B018  (made before the copy, so that both hold the same ones)
        other = copy.copy(self)
        for cached in ("spark", "lake"):
            vars(other).pop(cached, None)
        vars(other)["spark"] = spark
        return other

    def table(self, name: str) -> Table:
        return self.tables[name]

    def read(self, name: str) -> DataFrame:
        """The whole table; an empty frame if it does not exist."""
        return self.lake.read(self.table(name))

    def slice(self, name: str, day: dt.date | None = None) -> DataFrame:
        """The rows of one as_of, by default the run's; an empty frame if there are none."""
        return self.read(name).where(f"as_of = DATE'{day or self.as_of}'")

    def required_slice(self, name: str, job: str) -> DataFrame:
        """The rows of the run's as_of. TableError if `job`, which writes them, has not run."""
        self.needs(name, job)
        rows = self.slice(name)
        if not rows.take(1):
            raise TableError(
                f"{name}: has no row for as_of {self.as_of}. Run `holdfast {job} "
                f"--env {self.settings.env} --as-of {self.as_of}` first."
            )
        return rows

    def write(self, writes: list[Write]) -> None:
        """Commit the writes and report them to the user."""
        self.progress.wrote(self.lake.commit(writes), self.is_dry)

    def needs(self, name: str, job: str) -> None:
        """TableError if a table does not exist; the message names the job that makes it."""
        if not self.has(name):
            self._check_source(name)
            raise TableError(
                f"{name}: does not exist in {self.settings.root.name}. "
                f"Run `holdfast {job} --env {self.settings.env}` first."
            )

    def _check_source(self, name: str) -> None:
        """UsageError if a silver table is missing because no source of conf fills it."""
        layer, _, table = name.partition(".")
        sources = self.settings.sources
        if layer == "silver" and table not in {source.table for source in sources.values()}:
            filled = ", ".join(sorted({source.table for source in sources.values()})) or "nothing"
            raise UsageError(
                f"conf/{self.settings.env}.yaml: sources fill {filled}, but no source has "
                f"`table: {table}`, so {name} does not exist. Add a source of {table}; "
                "docs/own_data.md shows one."
            )

    def has(self, name: str) -> bool:
        """Whether the table exists. In a dry run also True if an earlier step would create it."""
        return name in self.lake.planned or self.lake.exists(name)

    @cached_property
    def _observed(self) -> tuple[dt.date, dt.date]:
        self.needs("silver.transactions", "ingest")
        day = F.col("purchased_at").cast("date")
        ends = (F.min(day).alias("first"), F.max(day).alias("last"))
        span = self.read("silver.transactions").agg(*ends).collect()[0]  # one row
        if span["last"] is None:
            raise TableError("silver.transactions: has no rows. Ingest purchases first.")
        return span["first"], span["last"]

    @property
    def observed_from(self) -> dt.date:
        """The day of the first purchase."""
        return self._observed[0]

    @property
    def observed_until(self) -> dt.date:
        """The day after the last complete day of purchases. Labels and as_of end there.

        The last day with any purchase counts as incomplete, since more rows may arrive for it.
        """
        return self._observed[1]

    @property
    def as_of(self) -> dt.date:
        """The day of `at`; else --as-of; else conf; else the day after the last complete day."""
        return self._day or self._default_as_of

    @cached_property
    def _default_as_of(self) -> dt.date:
        chosen = self.given_as_of or self.settings.as_of or self.observed_until
        if chosen > self.observed_until:
            raise UsageError(
                f"as_of {chosen}: purchases are complete only up to {self.observed_until}. "
                "Use that day or an earlier one."
            )
        return chosen
