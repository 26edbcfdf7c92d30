"""A requested write, its outcome, and the checks before it. Needs no engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.table import Table
from runtime.errors import TableError
from runtime.wording import plural

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Write:
    """Rows for one table.

    mode "slice": they replace the rows whose `table.slice_by` is one of `slices` (bounded: a few
    dates, or the batches of one run). mode "merge": they are merged on the key.
    is_checked: before writing, compare with the present rows and look for nulls, NaN and duplicate
    keys. False where the caller has checked the rows.
    """

    table: Table
    frame: DataFrame
    slices: Sequence[Any] = ()
    mode: str = "slice"
    is_checked: bool = True

    def predicate(self) -> str:
        """The slice as a SQL condition. Its values are dates, times or generated ids."""
        kind = self.table.types[self.table.slice_by or ""]
        cast = {"date": "DATE", "timestamp": "TIMESTAMP"}.get(kind, "")
        return (
            f"{self.table.slice_by} IN ({', '.join(f'{cast}{_literal(s)}' for s in self.slices)})"
        )

    def applied_to(self, present: DataFrame) -> DataFrame:
        """The rows that the table would have after this write. `present`: its rows before."""
        if self.mode == "slice":
            unchanged = present.where(f"NOT ({self.predicate()})")
        else:
            key = list(self.table.key)
            unchanged = present.join(self.frame.select(*key), key, "left_anti")
        names = self.table.column_names
        return unchanged.select(*names).unionByName(self.frame.select(*names))


def _literal(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


@dataclass(frozen=True)
class Written:
    """Outcome of one write. rows: None if not counted."""

    table: str
    rows: int | None
    is_changed: bool


def check_columns(table: Table, actual: dict[str, str]) -> None:
    """TableError if the columns differ from the contract. It lists every difference."""
    expected = table.types
    faults = [f"column {c} ({t}) is missing" for c, t in expected.items() if c not in actual]
    faults += [f"column {c} is not in the contract" for c in actual if c not in expected]
    faults += [
        f"column {c} is {actual[c]}, the contract says {t}"
        for c, t in expected.items()
        if c in actual and actual[c] != t
    ]
    if faults:
        raise TableError(f"{table.name}: {'; '.join(faults)}. Nothing was written.")


def check_counts(
    table: Table,
    nulls: dict[str, int],
    not_finite: dict[str, int],
    *,
    duplicates: int,
    outside: int = 0,
) -> None:
    """TableError for invalid rows.

    These are nulls in required columns, NaN, infinity, duplicate keys and rows of other slices.
    """
    faults = [f"{_rows(n)} a null in {c}, which is required" for c, n in nulls.items() if n]
    faults += [f"{_rows(n)} NaN or infinity in {c}" for c, n in not_finite.items() if n]
    if duplicates:
        verb = "is" if duplicates == 1 else "are"
        key = ", ".join(table.key)
        faults.append(f"{plural(duplicates, 'key')} ({key}) {verb} not unique")
    if outside:
        faults.append(f"{_rows(outside)} another {table.slice_by} than the slice that is written")
    if faults:
        raise TableError(f"{table.name}: {'; '.join(faults)}. Nothing was written.")


def _rows(number: int) -> str:
    return f"{plural(number, 'row')} {'has' if number == 1 else 'have'}"
