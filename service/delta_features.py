"""Features of customers from the Delta tables: to fill the online store, and when Redis is away."""

from __future__ import annotations

import datetime as dt
import math
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from contracts.features import FEATURE_TABLES
from runtime.errors import TableError
from runtime.files import table_location
from runtime.settings import Settings
from service.records import Record

SEGMENTS, SCORES = "gold.customer_segments", "gold.customer_scores"
KEY = ("customer_id", "as_of")
# Tables are opened again after so long: a newer as_of is served then.
REOPEN_SECONDS = 30.0
BATCH_ROWS = 5_000


class DeltaFeatures:
    """The newest scored day of one lakehouse. Usable from many threads."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._opened: dict[str, pa.dataset.Dataset] = {}
        self._as_of: dt.date | None = None
        self._opened_at = -math.inf

    def address(self, name: str) -> str:
        """Where a table is."""
        return str(table_location(self.settings.root, name))

    def as_of(self) -> dt.date:
        """The last closed day: the newest one of gold.customer_scores, else of the features.

        TableError if there are no features.
        """
        self._reopen()
        if self._as_of is None:
            raise TableError(
                f"{FEATURE_TABLES[0]}: does not exist in {self.settings.root.name}. Run `holdfast "
                f"build_features --env {self.settings.env}` first."
            )
        return self._as_of

    def records(self, customer_ids: Sequence[str]) -> dict[str, Record | None]:
        """The record of each customer; None: no such customer.

        A table that is rewritten meanwhile is opened again once.
        """
        try:
            rows = self._rows(customer_ids)
        except (OSError, pa.ArrowException):  # a file was deleted after the table was opened
            self._opened_at = -math.inf
            rows = self._rows(customer_ids)
        by_id = {r["customer_id"]: self._record(r) for r in rows}
        return {c: by_id.get(c) for c in customer_ids}

    def all_records(self) -> Iterator[list[tuple[str, Record]]]:
        """(customer_id, record) of every customer of the last closed day, in batches."""
        day = self.as_of()
        with duckdb.connect() as box:
            box.execute("SET TimeZone = 'UTC'")
            for name, rows in self._opened.items():
                box.register(name.replace(".", "_"), rows)
            sql = _joined([*self._opened])
            reader = box.sql(sql, params=[day] * len(self._opened)).to_arrow_reader(BATCH_ROWS)
            for batch in reader:
                yield [(r["customer_id"], self._record(r)) for r in batch.to_pylist()]

    def _rows(self, customer_ids: Sequence[str]) -> list[dict[str, Any]]:
        day = self.as_of()
        return joined_rows(self._opened, customer_ids, day)

    def _record(self, row: dict[str, Any]) -> Record:
        profile = {
            part: {k: _plain(v) for k, v in of.items() if k not in KEY} if of else None
            for part, of in (("segment", row.get(SEGMENTS)), ("score", row.get(SCORES)))
        }
        return Record.of(row["as_of"].isoformat(), features_in(row), profile, source="delta")

    def _reopen(self) -> None:
        with self._lock:
            if time.monotonic() - self._opened_at < REOPEN_SECONDS:
                return
            names = (*FEATURE_TABLES, SEGMENTS, SCORES)
            tables = {name: table for name in names if (table := self._table(name))}
            opened = {name: table.to_pyarrow_dataset() for name, table in tables.items()}
            if all(name in tables for name in FEATURE_TABLES):
                scored = newest_day(tables[SCORES]) if SCORES in tables else None
                self._as_of = scored or newest_day(tables[FEATURE_TABLES[0]])
            self._opened, self._opened_at = opened, time.monotonic()

    def _table(self, name: str) -> DeltaTable | None:
        try:
            return DeltaTable(self.address(name))
        except TableNotFoundError:
            return None


def joined_rows(
    opened: Mapping[str, ds.Dataset], customer_ids: Sequence[str], day: dt.date
) -> list[dict[str, Any]]:
    """One row per customer that all feature tables have on a day, with each table's row or None."""
    wanted = pc.field("customer_id").isin(list(customer_ids)) & (pc.field("as_of") == day)
    joined: dict[str, dict[str, Any]] = {}
    for name, rows in opened.items():
        for row in rows.to_table(filter=wanted).to_pylist():
            joined.setdefault(row["customer_id"], {})[name] = row
    return [
        {"customer_id": c, "as_of": day, **{name: of.get(name) for name in opened}}
        for c, of in joined.items()
        if all(name in of for name in FEATURE_TABLES)
    ]


def features_in(row: Mapping[str, Any]) -> dict[str, Any]:
    """The features of a joined row by name, as JSON has them."""
    features: dict[str, Any] = {}
    for name in FEATURE_TABLES:
        features.update({k: _plain(v) for k, v in row[name].items() if k not in KEY})
    return features


def newest_day(table: DeltaTable) -> dt.date | None:
    """The newest as_of, from the statistics of the files, else from the column. None: no rows."""
    files = pa.table(table.get_add_actions(flatten=True))
    if "max.as_of" in files.column_names and not files.column("max.as_of").null_count:
        days = [pc.max(files.column("max.as_of")).as_py()]
    else:
        batches = table.to_pyarrow_dataset().to_batches(columns=["as_of"])
        days = [pc.max(batch.column(0)).as_py() for batch in batches]
    return max((day for day in days if day is not None), default=None)


def _joined(names: Sequence[str]) -> str:
    """SQL: one row per customer of one day, with each table's row as a struct (null: none)."""
    first, *others = [*FEATURE_TABLES, *[n for n in names if n not in FEATURE_TABLES]]
    parts = [f'"{n.replace(".", "_")}"' for n in (first, *others)]
    selected = ", ".join(f't{k} AS "{name}"' for k, name in enumerate((first, *others)))
    joins = " ".join(
        f"{'JOIN' if name in FEATURE_TABLES else 'LEFT JOIN'} "
        f"(SELECT * FROM {part} WHERE as_of = ?) t{k} ON t{k}.customer_id = t0.customer_id"
        for k, (name, part) in enumerate(zip((first, *others), parts, strict=True))
        if k
    )
    return (
        f"SELECT t0.customer_id AS customer_id, t0.as_of AS as_of, {selected} "
        f"FROM (SELECT * FROM {parts[0]} WHERE as_of = ?) t0 {joins}"
    )


def _plain(value: Any) -> Any:
    """The value as JSON has it: dates as text, NaN as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return float(value) if type(value).__name__ == "Decimal" else value
