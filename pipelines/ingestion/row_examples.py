"""Examples of rejected rows, and repeated order lines, for ingest and for `check`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from contracts.rules import DUPLICATE
from contracts.silver import TRANSACTIONS
from pipelines.ingestion.file_checks import columns_behind
from pipelines.ingestion.row_counts import RowCounts
from transforms.quality import examples
from transforms.silver_rows import repeated_lines

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.settings.sources import SourceSettings


def add_examples(
    row_counts: RowCounts,
    source: SourceSettings,
    rows: DataFrame,
    *,
    present: Sequence[str],
    has_rescued: bool = True,
) -> None:
    """Set the examples of the counts, and the number of repeated lines.

    `rows`: labelled. `present`: the columns of the source. `has_rescued`: as in
    transforms.quality.examples.
    """
    table = row_counts.table
    shown = {
        reason: columns_behind(reason, table, source, present=present)
        for reason in row_counts.first_reasons()
    }
    if shown:
        texts = examples(rows, shown, has_rescued=has_rescued).collect()[0]  # one row
        row_counts.examples = dict(zip(shown, texts, strict=True))
    is_repeatable = table is TRANSACTIONS and "line_number" not in source.key
    if is_repeatable and row_counts.total(DUPLICATE):
        row_counts.repeated_lines = repeated_lines(rows, source.key).collect()[0][0]  # one row
