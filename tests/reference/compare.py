"""python -m tests.reference.compare BEFORE AFTER: are the tables of two lakehouse folders equal?

Rows are joined on the key of the contract. Integers, decimals, texts, dates and times must be equal;
doubles may differ by 1e-9 relative. The exit code is 1 where anything differs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from contracts import catalog

RELATIVE = 1e-9

# Left out, with the reason. A "*" stands for every table.
LEFT_OUT = {
    ("gold.model_comparison", "value", "metric = 'training_seconds'"): "a time of running",
    ("gold.model_validations", "value", "check_name = 'inference_ms'"): "a time of running",
    ("gold.alerts", "raised_at", "true"): "the time of the run",
}
# Replaced by the rank of the value, because only the order of the runs is the same.
RANKED = {
    ("gold.model_comparison", "trained_at"): "the time of the training run; its order is compared",
    ("gold.feature_sets", "trained_at"): "the time of the training run; its order is compared",
}
# Doubles that may differ by more than RELATIVE: the bound, and the reason.
BOUNDS: dict[tuple[str, str], tuple[float, str]] = {}
# Tables outside the catalog (one bronze table per source) have no key: rows are counted by all
# columns, as those of a table with an empty key are.


@dataclass
class Compared:
    """What was seen of one table. cells: differing cells by column."""

    name: str
    rows: tuple[int, int]
    cells: dict[str, int] = field(default_factory=dict)
    only_before: int = 0
    only_after: int = 0
    notes: list[str] = field(default_factory=list)
    example: str = ""

    @property
    def is_equal(self) -> bool:
        return not (self.cells or self.only_before or self.only_after or self.notes)


def tables_of(root: Path) -> dict[str, Path]:
    """Every Delta table below a lakehouse folder, as <layer>.<table>."""
    tables = sorted(log.parent for log in root.glob("*/*/_delta_log"))
    return {f"{path.parent.name}.{path.name}": path for path in tables}


def compare_lakes(before: Path, after: Path, prefix: str = "") -> list[Compared]:
    """One result per table of either folder whose name starts with `prefix`, by name."""
    tables = tuple(
        {name: path for name, path in tables_of(root).items() if name.startswith(prefix)}
        for root in (before, after)
    )
    results = []
    for name in sorted(tables[0].keys() | tables[1].keys()):
        if missing := [
            side for side, t in zip(("before", "after"), tables, strict=True) if name not in t
        ]:
            results.append(Compared(name, (0, 0), notes=[f"the table is missing {missing[0]}"]))
            continue
        frames = [_read(t[name]) for t in tables]
        results.append(compare_tables(name, *frames, key=key_of(name)))
    return results


def key_of(name: str) -> tuple[str, ...]:
    """The key of the table's contract; empty: it has none, or the table is bronze of a source."""
    table = catalog.tables().get(name)
    return table.key if table is not None else ()


def compare_tables(name: str, before: pa.Table, after: pa.Table, key: tuple[str, ...]) -> Compared:
    """The differences of two tables; without a key whole rows are matched."""
    result = Compared(name, (before.num_rows, after.num_rows))
    if before.schema.names != after.schema.names:
        lost = [c for c in before.schema.names if c not in after.schema.names]
        more = [c for c in after.schema.names if c not in before.schema.names]
        result.notes.append(f"columns: {lost} only before, {more} only after, or another order")
    types = {f.name: f.type for f in after.schema}
    for column in before.schema:
        if column.name in types and types[column.name] != column.type:
            result.notes.append(f"{column.name}: {column.type} before, {types[column.name]} after")
    if result.notes:
        return result
    with duckdb.connect() as box:
        box.execute("SET TimeZone = 'UTC'")
        for side, table in (("before", before), ("after", after)):
            box.register(f"raw_{side}", table)
            columns = ", ".join(_column(name, c) for c in table.schema.names)
            box.execute(f"CREATE VIEW {side} AS SELECT {columns} FROM raw_{side}")
        if key:
            _by_key(box, result, before.schema, key)
        else:
            _by_row(box, result)
    return result


def _column(table: str, column: str) -> str:
    """The column as it is compared."""
    if (table, column) in RANKED:
        return f'dense_rank() OVER (ORDER BY "{column}") AS "{column}"'
    for name, left_out, condition in LEFT_OUT:
        if (name, left_out) == (table, column):
            return f'CASE WHEN {condition} THEN NULL ELSE "{column}" END AS "{column}"'
    return f'"{column}"'


def _by_key(box: Any, result: Compared, schema: pa.Schema, key: tuple[str, ...]) -> None:
    """Join on the key, in which null equals null, and compare each other column."""
    names = ", ".join(f'"{c}"' for c in key)
    for side in ("before", "after"):
        doubled = box.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {side} GROUP BY {names} HAVING count(*) > 1)"
        ).fetchone()[0]
        if doubled:
            result.notes.append(f"{doubled} keys occur more than once {side}")
    if result.notes:
        return
    on = " AND ".join(f'b."{c}" IS NOT DISTINCT FROM a."{c}"' for c in key)
    for side, other, count in (
        ("before b", "after a", "only_before"),
        ("after a", "before b", "only_after"),
    ):
        query = f"SELECT count(*) FROM {side} WHERE NOT EXISTS (SELECT 1 FROM {other} WHERE {on})"
        setattr(result, count, box.execute(query).fetchone()[0])
    for column in schema:
        if column.name in key:
            continue
        b, a = f'b."{column.name}"', f'a."{column.name}"'
        differs = f"{b} IS DISTINCT FROM {a}"
        if pa.types.is_floating(column.type):
            # Not true for null: two nulls, or a number and a null, are judged by the first part.
            bound = BOUNDS.get((result.name, column.name), (RELATIVE, ""))[0]
            near = f"abs({b} - {a}) <= {bound} * greatest(abs({b}), abs({a}))"
            differs += f" AND NOT coalesce({near}, FALSE)"
        join = f"FROM before b JOIN after a ON {on} WHERE {differs}"
        cells = box.execute(f"SELECT count(*) {join}").fetchone()[0]
        if cells:
            result.cells[column.name] = cells
            if not result.example:
                shown = ", ".join(f'b."{c}"' for c in key)
                row = box.execute(f"SELECT {b}, {a}, {shown} {join} ORDER BY {shown}").fetchone()
                result.example = f"{column.name}: {row[0]!r} -> {row[1]!r} at {row[2:]!r}"


def _by_row(box: Any, result: Compared) -> None:
    """Count the rows that one side has more often than the other."""
    for side, other, count in (
        ("before", "after", "only_before"),
        ("after", "before", "only_after"),
    ):
        query = f"SELECT count(*) FROM (SELECT * FROM {side} EXCEPT ALL SELECT * FROM {other})"
        setattr(result, count, box.execute(query).fetchone()[0])
    if result.only_before:
        row = box.execute("SELECT * FROM before EXCEPT ALL SELECT * FROM after LIMIT 1").fetchone()
        result.example = f"only before: {row!r}"


def _read(path: Path) -> pa.Table:
    return DeltaTable(str(path)).to_pyarrow_table()


def told(result: Compared) -> str:
    """One line per table, and one more where it differs."""
    rows = f"{result.rows[0]:>8,} {result.rows[1]:>8,}"
    if result.is_equal:
        return f"{result.name:<34} {rows}  equal"
    parts = [*result.notes, *(f"{c}: {n:,} cells" for c, n in result.cells.items())]
    if result.only_before or result.only_after:
        parts.append(f"{result.only_before:,} rows only before, {result.only_after:,} only after")
    line = f"{result.name:<34} {rows}  DIFFERS  {'; '.join(parts)}"
    return f"{line}\n    {result.example}" if result.example else line


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line per table. Exit code 0: all tables are equal, 1: some differ, 2: no lake."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", help="a lakehouse folder")
    parser.add_argument("after", help="another lakehouse folder")
    parser.add_argument(
        "--rewritten",
        action="append",
        default=[],
        metavar="TABLE.COLUMN",
        help="a column of text that was rewritten on purpose; it is reported and not compared",
    )
    given = parser.parse_args(arguments)
    for folder in (given.before, given.after):
        if not tables_of(Path(folder)):
            print(f"{folder}: holds no Delta table in <layer>/<table>. Name a lakehouse folder.")
            return 2
    results = compare_lakes(Path(given.before), Path(given.after))
    print(f"{'table':<34} {'before':>8} {'after':>8}")
    rewritten = []
    for result in results:
        for column in [c for c in result.cells if f"{result.name}.{c}" in given.rewritten]:
            count = result.cells.pop(column)
            rewritten.append(f"rewritten: {result.name}.{column}: {count:,} cells")
        print(told(result))
    different = sum(not r.is_equal for r in results)
    print(f"{len(results)} tables, {different} differ")
    for line in rewritten:
        print(line)
    for (name, column, condition), reason in LEFT_OUT.items():
        print(f"left out: {name}.{column} where {condition}: {reason}")
    for (name, column), reason in RANKED.items():
        print(f"ranked: {name}.{column}: {reason}")
    for (name, column), (bound, reason) in BOUNDS.items():
        print(f"bound {bound:g} relative: {name}.{column}: {reason}")
    return 1 if different else 0


if __name__ == "__main__":
    raise SystemExit(main())
