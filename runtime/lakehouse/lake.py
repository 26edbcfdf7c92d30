"""Interface of a lakehouse, the same for Spark and DuckDB."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from contracts.table import Table
from runtime.lakehouse.writes import Write, Written

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Lake(Protocol):
    """The lakehouse of one environment during one run. A dry run writes nothing.

    SparkLake (spark_lake.py) supports every command. DuckLake (duck_lake.py) supports
    `build_features --engine duckdb`; its frames are sqlframe's, which have the same methods.
    """

    engine: str
    # In a dry run: the content that each table would have, by name.
    planned: dict[str, DataFrame]

    @property
    def scratch(self) -> str:
        """Folder for temporary files of the run, which all workers can access."""

    def path(self, name: str) -> str:
        """Folder of a table."""

    def address(self, name: str) -> str:
        """The table as SQL of this engine names it."""

    def exists(self, name: str) -> bool:
        """Whether the table exists."""

    def version(self, name: str) -> int | None:
        """Newest Delta version of the table. None: the table does not exist."""

    def content_version(self, name: str) -> int | None:
        """Newest version that changed rows: `maintain` compacts files without a change of rows."""

    def written_at(self, name: str) -> dt.datetime | None:
        """When a job last wrote the table (UTC). None: never.

        Maintenance, such as OPTIMIZE, does not count: it changes no row.
        """

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """The table, or an empty frame with its columns if it does not exist."""

    def frame(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> DataFrame:
        """A few rows of Python as a frame with the columns of the table. Times have a zone."""

    def with_computed(
        self, frame: DataFrame, name: str, column: str, *, function: Callable[..., Any]
    ) -> DataFrame:
        """The frame with a double column that pandas computes from one column. NaN becomes null."""

    def stream(self, frame: DataFrame) -> Iterator[dict[str, Any]]:
        """The rows in the order of the frame. Only a part of them is in memory at a time."""

    def keep(self, frame: DataFrame) -> DataFrame:
        """Compute the frame once and reuse it until `forget`."""

    def forget(self) -> None:
        """Free every frame that `keep` holds."""

    def close(self) -> None:
        """Delete the temporary tables and files of the run."""

    def commit(self, writes: Sequence[Write]) -> list[Written]:
        """Check all writes, then write all. After a failure every table is as it was before.

        Takes the leases that the run does not hold. BusyError: another run holds one, or has taken
        one over; nothing was written.
        """
