"""What a job wants to write, and what came of it. Engine-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.table import Table
from runtime.errors import TableError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Write:
    """Rows for one table.

    mode "slice": they replace the rows whose `table.slice_by` is one of `slices` (bounded: a few
    dates or the batches of one run). mode "merge": they are merged on the key.
    `is_checked`: compare with what is there and look for nulls, NaN and duplicate keys first; off
    where the caller has counted and checked the rows itself.
    """

    table: Table
    frame: DataFrame
    slices: Sequence[Any] = ()
    mode: str = "slice"
    is_checked: bool = True

    def predicate(self) -> str:
        """The slice as SQL. Values are dates, times or generated ids, never a person's data."""
        kind = self.table.types[self.table.slice_by or ""]
        cast = {"date": "DATE", "timestamp": "TIMESTAMP"}.get(kind, "")
        return (
            f"{self.table.slice_by} IN ({', '.join(f'{cast}{_literal(s)}' for s in self.slices)})"
        )


def _literal(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


@dataclass(frozen=True)
class Written:
    """One table after a write. `rows` None: not counted."""

    table: str
    rows: int | None
    is_changed: bool


def check_columns(table: Table, found: dict[str, str]) -> None:
    """Refuse a frame that is not what the contract says, naming every difference at once."""
    expected = table.types
    faults = [f"column {c} ({t}) is missing" for c, t in expected.items() if c not in found]
    faults += [f"column {c} is not in the contract" for c in found if c not in expected]
    faults += [
        f"column {c} is {found[c]}, the contract says {t}"
        for c, t in expected.items()
        if c in found and found[c] != t
    ]
    if faults:
        raise TableError(f"{table.name}: {'; '.join(faults)}. Nothing was written.")


def check_counts(
    table: Table,
    nulls: dict[str, int],
    not_finite: dict[str, int],
    duplicates: int,
    outside: int = 0,
) -> None:
    """Refuse nulls in required columns, NaN, infinity, shared keys, rows outside the slices."""
    faults = [f"{n} rows have no {c}, which is required" for c, n in nulls.items() if n]
    faults += [f"{n} rows have NaN or infinity in {c}" for c, n in not_finite.items() if n]
    if duplicates:
        faults.append(f"{duplicates} keys ({', '.join(table.key)}) stand more than once")
    if outside:
        faults.append(f"{outside} rows lie outside the {table.slice_by} that is written")
    if faults:
        raise TableError(f"{table.name}: {'; '.join(faults)}. Nothing was written.")
