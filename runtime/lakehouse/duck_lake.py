"""The same tables on one machine: read and written through delta-rs, computed by DuckDB.

It replaces slices as spark_lake.py does, with the same checks and commit metadata.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import TableNotFoundError

from contracts.table import Table
from runtime.errors import TableError, UsageError
from runtime.file_systems import delta_options
from runtime.files import Location, table_location
from runtime.lakehouse.arrow_types import arrow_schema, columns_as_sql, nullable, sql_type
from runtime.lakehouse.commits import changed_by
from runtime.lakehouse.delta_tables import dataset_of, opened
from runtime.lakehouse.duck_session import duck_session, kept_table
from runtime.lakehouse.run_leases import RunLeases
from runtime.lakehouse.writes import Write, Written, check_columns, check_counts
from runtime.run_info import RunInfo
from runtime.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_numbers = count()
BATCH_ROWS = 10_000


class DuckLake:
    """The lakehouse of one environment during one run."""

    engine = "duckdb"

    def __init__(
        self,
        settings: Settings,
        run: RunInfo,
        is_dry: bool = False,
        *,
        leases: RunLeases | None = None,
    ) -> None:
        if settings.lakehouse.catalog:
            raise UsageError(
                f"--engine duckdb: needs a lakehouse folder, but conf/{settings.env}.yaml names "
                f"the catalog {settings.lakehouse.catalog!r}. Use --engine spark."
            )
        self.settings, self.run, self.is_dry = settings, run, is_dry
        self.leases = leases or RunLeases(settings, run, is_dry)
        # Frames are sqlframe's. They have the methods of Spark's DataFrame, which types name.
        self.session: Any = duck_session(settings.features.business_time_zone)
        self.planned: dict[str, DataFrame] = {}
        self._kept: list[str] = []
        # Of delta-rs, which reads the credentials of an object store from the environment.
        self._options = delta_options(str(settings.root))

    def frame(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> DataFrame:
        """A few rows of Python as a frame with the columns of the table."""
        content = pa.Table.from_pylist([*rows], schema=nullable(arrow_schema(table)))
        return self._frame(content, table.column_names)

    def with_computed(
        self, frame: DataFrame, name: str, column: str, *, function: Callable[..., Any]
    ) -> DataFrame:
        """The frame with a double column that pandas computes from one column. NaN becomes null."""
        content = self._content(frame)
        values = function(content.column(column).to_pandas())
        computed = pa.array(values, pa.float64(), from_pandas=True)
        return self._frame(content.append_column(name, computed), content.column_names, name)

    def stream(self, frame: DataFrame) -> Iterator[dict[str, Any]]:
        """The rows in the order of the frame. BATCH_ROWS of them are Python objects at a time."""
        sqlframe: Any = frame
        for batch in sqlframe.toArrow(batch_size=BATCH_ROWS):
            yield from batch.to_pylist()

    @property
    def scratch(self) -> str:
        return self.path(f"temporary_{self.run.run_id}")

    def keep(self, frame: DataFrame) -> DataFrame:
        """Compute the frame once and reuse it until `forget`."""
        self._kept.append(kept_table(self.session, frame))
        return self.session.table(self._kept[-1])

    def forget(self) -> None:
        for name in self._kept:
            self.session._conn.execute(f"DROP TABLE {name}")
        self._kept.clear()

    def close(self) -> None:
        self.forget()

    def path(self, name: str) -> str:
        return str(table_location(self.settings.root, name))

    def address(self, name: str) -> str:
        """The table as DuckDB's SQL names it."""
        return f"delta_scan('{self.path(name)}')"

    def exists(self, name: str) -> bool:
        return DeltaTable.is_deltatable(self.path(name), self._options)

    def version(self, name: str) -> int | None:
        """Newest Delta version of the table. None: the table does not exist."""
        try:
            return self._delta(name).version()
        except TableNotFoundError:
            return None

    def content_version(self, name: str) -> int | None:
        """Newest version that changed rows: `maintain` compacts files without a change of rows."""
        newest = self.version(name)
        return None if newest is None else changed_by(Location(self.path(name)), newest)

    def written_at(self, name: str) -> dt.datetime | None:
        """When a job last wrote the table (UTC). None: never. Maintenance does not count."""
        if not self.exists(name):
            return None
        commits = self._delta(name).history()
        written = [c["timestamp"] for c in commits if c.get("userMetadata") is not None]
        return dt.datetime.fromtimestamp(max(written) // 1000, dt.UTC) if written else None

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """The table, or an empty frame with its columns if it does not exist.

        Columns that the contract has gained since the table was written are null.
        """
        if not self.exists(table.name):
            return self._frame(arrow_schema(table).empty_table(), table.column_names)
        delta = self._delta(table.name, version)
        self.run.inputs[table.name] = delta.version()
        return self._frame(dataset_of(delta, table), table.column_names)

    def commit(self, writes: Sequence[Write]) -> list[Written]:
        """Check all writes, then write all. After a failure every table is as it was before.

        Leases: as SparkLake.commit.
        """
        with self.leases.on(w.table.name for w in writes):
            return self._commit(writes)

    def _commit(self, writes: Sequence[Write]) -> list[Written]:
        contents = [self._check(w) for w in writes]
        outcomes: list[Written] = []
        before: dict[str, int | None] = {}
        try:
            for write, content in zip(writes, contents, strict=True):
                is_changed = self._is_changed(write, content)
                if is_changed and not self.is_dry:
                    self.leases.check(write.table.name)
                    before.setdefault(write.table.name, self.version(write.table.name))
                    self._write(write, content)
                outcomes.append(Written(write.table.name, content.num_rows, is_changed))
        except BaseException:
            for name, version in before.items():
                self._roll_back(name, version)
            raise
        return outcomes

    def _delta(self, name: str, version: int | None = None) -> DeltaTable:
        return DeltaTable(self.path(name), version=version, storage_options=self._options)

    def _frame(self, source: Any, names: Sequence[str], *more: str) -> DataFrame:
        """A frame over Arrow data."""
        view, connection = _new_name("view"), self.session._conn
        connection.register(f"source_{view}", source)
        columns = columns_as_sql(source.schema, (*names, *more))
        connection.execute(f"CREATE VIEW {view} AS SELECT {columns} FROM source_{view}")
        return self.session.table(view)

    def _content(self, frame: DataFrame) -> pa.Table:
        # One machine: the whole slice passes through memory. A cluster uses Spark.
        return frame.toArrow().combine_chunks()

    def _check(self, write: Write) -> pa.Table:
        table = write.table
        if write.mode != "slice":
            raise TableError(f"{table.name}: --engine duckdb cannot merge. Use --engine spark.")
        content = self._content(write.frame)
        check_columns(table, {f.name: sql_type(f.type) for f in content.schema})
        content = content.select(list(table.column_names)).cast(nullable(arrow_schema(table)))
        floats = [c.name for c in table.columns if c.is_floating]
        not_finite = self._counts(content, [f'NOT isfinite("{name}")' for name in floats])
        (outside,) = self._counts(content, [f"NOT ({write.predicate()})"])
        nulls = {c.name: content.column(c.name).null_count for c in table.columns if not c.nullable}
        check_counts(
            table,
            nulls,
            dict(zip(floats, not_finite, strict=True)),
            duplicates=self._duplicates(content, table.key),
            outside=outside,
        )
        return content

    def _counts(self, content: pa.Table, conditions: Sequence[str]) -> tuple[int, ...]:
        """Number of rows that meet each condition."""
        if not conditions:
            return ()
        counts = ", ".join(f"count(*) FILTER (WHERE {c})" for c in conditions)
        self.session._conn.register("content", content)
        return self.session._conn.execute(f"SELECT {counts} FROM content").fetchall()[0]

    def _duplicates(self, content: pa.Table, key: Sequence[str]) -> int:
        if not key:
            return 0
        rows = content.group_by(list(key)).aggregate([([], "count_all")])
        return self._counts(rows, ["count_all > 1"])[0]

    def _is_changed(self, write: Write, content: pa.Table) -> bool:
        if not self.exists(write.table.name):
            return True
        present = self._delta(write.table.name).to_pyarrow_dataset()
        if not set(write.table.column_names) <= set(present.schema.names):
            return True
        columns, connection = (
            columns_as_sql(present.schema, write.table.column_names),
            self.session._conn,
        )
        connection.register("old_rows", present)
        connection.register("new_rows", content)
        rows = f"SELECT {columns} FROM {{}} WHERE {write.predicate()}"
        both = [f"({rows.format(name)})" for name in ("old_rows", "new_rows")]
        # Compared as multisets: EXCEPT ALL counts repeated rows.
        differences = " UNION ALL ".join(
            f"(SELECT * FROM {left} EXCEPT ALL SELECT * FROM {right})"
            for left, right in (both, reversed(both))
        )
        counts = connection.execute(f"SELECT count(*) FROM ({differences})").fetchall()
        return bool(counts[0][0])

    def _write(self, write: Write, content: pa.Table) -> None:
        delta = opened(self.path(write.table.name), write.table, self._options)
        content = content.cast(arrow_schema(write.table))
        # Columns that the contract no longer has are null in new rows.
        for field in delta.to_pyarrow_dataset().schema:
            if field.name not in content.column_names:
                content = content.append_column(field, pa.nulls(content.num_rows, field.type))
        write_deltalake(
            delta,
            content,
            mode="overwrite",
            predicate=write.predicate().replace("DATE'", "'"),
            commit_properties=CommitProperties(
                custom_metadata={"userMetadata": self.leases.message(write.table.name)}
            ),
        )

    def _roll_back(self, name: str, version: int | None) -> None:
        if self.leases.is_lost(name):
            return
        if version is None:
            Location(self.path(name)).delete_folder()
        elif self.version(name) != version:
            self._delta(name).restore(version)


def _new_name(kind: str) -> str:
    # Each name is used once: sqlframe caches the columns of a name for the whole process.
    return f"{kind}_{next(_numbers)}"
