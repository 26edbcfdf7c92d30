"""The same tables on one machine: read and written through delta-rs, computed by DuckDB.

It replaces slices as spark_lake.py does, with the same checks and commit metadata.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema as DeltaSchema, write_deltalake
from deltalake.exceptions import TableNotFoundError

from contracts.table import Table
from runtime.errors import TableError, UsageError
from runtime.lakehouse.ddl import properties_of
from runtime.lakehouse.duck_session import duck_session
from runtime.lakehouse.writes import Write, Written, check_columns, check_counts
from runtime.run_info import RunInfo
from runtime.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_numbers = count()


class DuckLake:
    """The lakehouse folder of one environment during one run."""

    engine = "duckdb"

    def __init__(self, settings: Settings, run: RunInfo, is_dry: bool = False) -> None:
        if settings.lakehouse.catalog:
            raise UsageError(
                f"--engine duckdb: needs a lakehouse folder, but conf/{settings.env}.yaml names "
                f"the catalog {settings.lakehouse.catalog!r}. Use --engine spark."
            )
        self.settings, self.run, self.is_dry = settings, run, is_dry
        # Frames are sqlframe's. They have the methods of Spark's DataFrame, which types name.
        self.session: Any = duck_session(settings.features.business_time_zone)
        self.planned: dict[str, DataFrame] = {}
        self._kept: list[str] = []

    def with_computed(
        self, frame: DataFrame, name: str, column: str, *, function: Callable[..., Any]
    ) -> DataFrame:
        """The frame with a double column that pandas computes from one column. NaN becomes null."""
        content = self._content(frame)
        values = function(content.column(column).to_pandas())
        computed = pa.array(values, pa.float64(), from_pandas=True)
        return self._frame(content.append_column(name, computed), content.column_names, name)

    def keep(self, frame: DataFrame) -> DataFrame:
        """Compute the frame once and reuse it until `forget`."""
        self._kept.append(_new_name("kept"))
        sqlframe: Any = frame
        sql = sqlframe.sql(dialect="duckdb", optimize=False)
        self.session._conn.execute(f"CREATE TABLE {self._kept[-1]} AS {sql}")
        return self.session.table(self._kept[-1])

    def forget(self) -> None:
        for name in self._kept:
            self.session._conn.execute(f"DROP TABLE {name}")
        self._kept.clear()

    def path(self, name: str) -> str:
        layer, _, short = name.partition(".")
        return str(self.settings.root / layer / short)

    def address(self, name: str) -> str:
        """The table as DuckDB's SQL names it."""
        return f"delta_scan('{self.path(name)}')"

    def exists(self, name: str) -> bool:
        return DeltaTable.is_deltatable(self.path(name))

    def version(self, name: str) -> int | None:
        """Newest Delta version of the table. None: the table does not exist."""
        try:
            return DeltaTable(self.path(name)).version()
        except TableNotFoundError:
            return None

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """The table, or an empty frame with its columns if it does not exist."""
        if not self.exists(table.name):
            return self._frame(arrow_schema(table).empty_table(), table.column_names)
        delta = DeltaTable(self.path(table.name), version=version)
        self.run.inputs[table.name] = delta.version()
        rows = delta.to_pyarrow_dataset()
        # An older version of the product may have written fewer columns.
        return self._frame(rows, [n for n in table.column_names if n in rows.schema.names])

    def commit(self, writes: Sequence[Write]) -> list[Written]:
        """Check all writes, then write all. After a failure every table is as it was before."""
        contents = [self._check(w) for w in writes]
        outcomes: list[Written] = []
        before: dict[str, int | None] = {}
        try:
            for write, content in zip(writes, contents, strict=True):
                is_changed = self._is_changed(write, content)
                if is_changed and not self.is_dry:
                    before.setdefault(write.table.name, self.version(write.table.name))
                    self._write(write, content)
                outcomes.append(Written(write.table.name, content.num_rows, is_changed))
        except BaseException:
            for name, version in before.items():
                self._roll_back(name, version)
            raise
        return outcomes

    def _frame(self, source: Any, names: Sequence[str], *more: str) -> DataFrame:
        """A frame over Arrow data."""
        view, connection = _new_name("view"), self.session._conn
        connection.register(f"source_{view}", source)
        columns = _plain(source.schema, (*names, *more))
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
        check_columns(table, {f.name: _sql_type(f.type) for f in content.schema})
        content = content.select(list(table.column_names)).cast(_nullable(arrow_schema(table)))
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
        present = DeltaTable(self.path(write.table.name)).to_pyarrow_dataset()
        if set(present.schema.names) != set(write.table.column_names):
            return True
        columns, connection = _plain(present.schema, write.table.column_names), self.session._conn
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
        path = self.path(write.table.name)
        if not self.exists(write.table.name):
            Path(path).mkdir(parents=True, exist_ok=True)
            DeltaTable.create(
                path,
                schema=arrow_schema(write.table),
                description=write.table.description,
                configuration=properties_of(write.table),
            )
        self._add_columns(write.table)
        write_deltalake(
            path,
            content.cast(arrow_schema(write.table)),
            mode="overwrite",
            predicate=write.predicate().replace("DATE'", "'"),
            commit_properties=CommitProperties(
                custom_metadata={"userMetadata": self.run.commit_message()}
            ),
        )

    def _add_columns(self, table: Table) -> None:
        """Add the new columns of the contract. Existing rows get null."""
        delta = DeltaTable(self.path(table.name))
        present = [f.name for f in delta.schema().fields]
        wanted = DeltaSchema.from_arrow(_nullable(arrow_schema(table)))
        gained = [f for f in wanted.fields if f.name not in present]
        if gained:
            delta.alter.add_columns(gained)

    def _roll_back(self, name: str, version: int | None) -> None:
        if version is None:
            shutil.rmtree(self.path(name), ignore_errors=True)
        elif self.version(name) != version:
            DeltaTable(self.path(name)).restore(version)


ARROW_TYPES = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def arrow_schema(table: Table) -> pa.Schema:
    """Arrow schema of the contract, with comments and NOT NULL columns."""
    return pa.schema(
        [
            pa.field(c.name, _arrow_type(c.type), c.nullable, {"comment": c.comment})
            for c in table.columns
        ]
    )


def _nullable(schema: pa.Schema) -> pa.Schema:
    return pa.schema([f.with_nullable(True) for f in schema])


def _plain(schema: pa.Schema, names: Sequence[str]) -> str:
    """The columns as SQL. The cast makes timestamps of Delta clock times of the session's zone."""
    return ", ".join(
        f'CAST("{n}" AS TIMESTAMP) AS "{n}"'
        if pa.types.is_timestamp(schema.field(n).type)
        else f'"{n}"'
        for n in names
    )


def _new_name(kind: str) -> str:
    # Each name is used once: sqlframe caches the columns of a name for the whole process.
    return f"{kind}_{next(_numbers)}"


def _sql_type(arrow_type: pa.DataType) -> str:
    """The type as a contract writes it."""
    if pa.types.is_decimal(arrow_type):
        return f"decimal({arrow_type.precision},{arrow_type.scale})"
    if pa.types.is_timestamp(arrow_type):
        return "timestamp"
    names = {arrow: name for name, arrow in ARROW_TYPES.items()}
    return names.get(arrow_type, str(arrow_type))


def _arrow_type(name: str) -> pa.DataType:
    if name.startswith("decimal("):
        precision, scale = name[8:-1].split(",")
        return pa.decimal128(int(precision), int(scale))
    if name not in ARROW_TYPES:
        raise TableError(
            f"type {name}: --engine duckdb supports {', '.join(ARROW_TYPES)} and decimal."
        )
    return ARROW_TYPES[name]
