"""What `check` prints about a source besides its counts: examples and the first kept rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from contracts.expressions import columns_used
from contracts.rules import KEPT, explanation
from contracts.table import Table
from pipelines.ingestion.row_counts import RowCounts
from pipelines.ingestion.source_checks import TARGETS
from runtime.lakehouse.duck_sql import conditions
from runtime.wording import plural
from transforms.silver_rows import left_out_by, meeting

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.settings.sources import SourceSettings

# Kept rows that are shown.
MOST_SHOWN = 5


def reason_lines(row_counts: RowCounts) -> Iterator[str]:
    """One line per frequent reason of a rejection, with an example."""
    for reason, example in row_counts.examples.items():
        yield (
            f"{plural(row_counts.reasons[reason], 'row')} to quarantine, such as "
            f"{example}: {reason}, {explanation(reason, row_counts.table.rules)}"
        )


def left_out_lines(
    where: str | None, given: str | None, *, rows: DataFrame, columns: Sequence[str]
) -> Iterator[str]:
    """How many rows each part of `where` leaves out, with an example.

    `where` is in DuckDB's form, `given` as in conf. `columns`: those of the source. A row counts
    for the first part that leaves it out.
    """
    if where is None or given is None:
        return
    parts, texts = conditions(where), conditions(given)
    if len(parts) != len(texts):
        parts, texts = [where], [given]
    for part, text in zip(parts, texts, strict=True):
        out = left_out_by(rows, part, columns_used(part, columns)).collect()[0]  # one row
        if out["rows"]:
            yield f"{plural(out['rows'], 'row')} left out by {text}, such as {out['example']}"
        rows = meeting(rows, part)


def first_rows(name: str, source: SourceSettings, labelled: DataFrame) -> Iterator[str]:
    """The first kept rows of a source as aligned columns, times in UTC, personal values hidden."""
    table = TARGETS[source.table]
    names = [c for c in table.column_names if c in source.mapping]
    kept_rows = labelled.where(f"_outcome = '{KEPT}'").orderBy("_row_id").limit(MOST_SHOWN)
    cells = [
        [_cell(row[n], table, n, zone=source.time_zone) for n in names]
        for row in kept_rows.select(*names).collect()  # at most MOST_SHOWN rows
    ]
    if not cells:
        return
    yield f"first kept rows of {name}:"
    widths = [max(len(row[place]) for row in (names, *cells)) for place in range(len(names))]
    for row in (names, *cells):
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield f"  {'  '.join(padded)}".rstrip()


def _cell(value: Any, table: Table, column: str, *, zone: str) -> str:
    if value is None:
        return "null"
    # A customer may be identified by an e-mail address.
    if column in table.personal_columns or "@" in str(value):
        return "***"
    kind = table.types[column]
    if kind == "timestamp":
        # DuckDB has clock times of the source's zone. Ingest stores UTC.
        value = value.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC).replace(tzinfo=None)
    if kind.startswith("decimal"):
        return f"{value:.{kind.rstrip(')').rpartition(',')[2]}f}"
    return str(value)[:30]
