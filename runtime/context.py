"""What a job's run(context) is given: settings, lake, as_of, progress."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from contracts import catalog
from contracts.table import Table
from runtime.errors import TableError, UsageError
from runtime.progress import Progress
from runtime.run_info import RunInfo
from runtime.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from runtime.lakehouse.spark_lake import SparkLake
    from runtime.lakehouse.writes import Write


@dataclass
class Context:
    """One run of one job, or of the jobs of a pipeline."""

    settings: Settings
    run: RunInfo
    progress: Progress = field(default_factory=Progress)
    given_as_of: dt.date | None = None
    is_dry: bool = False
    engine: str = "spark"
    options: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def spark(self) -> SparkSession:
        from runtime.lakehouse.session import spark_session

        return spark_session(self.settings, self.run.job)

    @cached_property
    def lake(self) -> SparkLake:
        if self.engine == "duckdb":
            from runtime.lakehouse.duck_lake import DuckLake

            return DuckLake(self.settings, self.run, self.is_dry)  # type: ignore[return-value]
        from runtime.lakehouse.spark_lake import SparkLake

        return SparkLake(self.spark, self.settings, self.run, self.is_dry)

    @cached_property
    def tables(self) -> dict[str, Table]:
        return catalog.tables(self.settings.features.windows_days)

    @cached_property
    def formulas(self) -> dict[str, Any]:
        """The scoring formulas with the constants of conf, by name."""
        from udfs.formula import FormulaError
        from udfs.registry import formulas

        try:
            return {f.name: f for f in formulas(self.settings.model_dump())}
        except FormulaError as error:
            raise UsageError(str(error)) from None

    def table(self, name: str) -> Table:
        return self.tables[name]

    def read(self, name: str) -> Any:
        """A frame of either engine."""
        return self.lake.read(self.table(name))

    def write(self, writes: list[Write]) -> None:
        """Commit and tell the user."""
        self.progress.wrote(self.lake.commit(writes), self.is_dry)

    def needs(self, name: str, job: str) -> None:
        """Stop with a sentence where a table is missing that another job makes."""
        if not self.has(name):
            raise TableError(
                f"{name}: does not exist in {self.settings.root.name}. "
                f"Run `spark-submit jobs/{job}.py --env {self.settings.env}` first."
            )

    def has(self, name: str) -> bool:
        """True: the table exists, or would after the steps of this dry run."""
        return name in self.lake.planned or self.lake.exists(name)

    @cached_property
    def _observed(self) -> tuple[dt.date, dt.date]:
        self.needs("silver.transactions", "ingest")
        from pyspark.sql import functions as F

        ends = (F.min("purchased_at").alias("first"), F.max("purchased_at").alias("last"))
        found = self.read("silver.transactions").agg(*ends).collect()[0]  # one row
        if found["last"] is None:
            raise TableError("silver.transactions: holds no row. Ingest purchases first.")
        return found["first"].date(), found["last"].date()

    @property
    def observed_from(self) -> dt.date:
        """The day of the first purchase."""
        return self._observed[0]

    @property
    def observed_until(self) -> dt.date:
        """The day after the last complete day of purchases: labels and as_of go no further.

        The last day that has any purchase counts as incomplete, since more may come.
        """
        return self._observed[1]

    @cached_property
    def as_of(self) -> dt.date:
        """The argument, else conf, else the day after the last complete day in silver."""
        chosen = self.given_as_of or self.settings.as_of or self.observed_until
        if chosen > self.observed_until:
            raise UsageError(
                f"as_of {chosen}: purchases are complete only up to {self.observed_until}; "
                f"take that day or an earlier one."
            )
        return chosen
