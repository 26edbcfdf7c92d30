"""The rows of a source in the columns of their table, with the settings of conf applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.ingestion import source_checks
from transforms.silver_rows import flagged_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.settings import Settings
    from runtime.settings.sources import SourceSettings


def flagged_by_conf(
    settings: Settings,
    name: str,
    source: SourceSettings,
    *,
    rows: DataFrame,
    batch: str | None = None,
) -> DataFrame:
    """One row per source row: typed columns, broken rules, and whether `where` leaves it out.

    `source` names its columns as bronze does. `rows` have them, and the columns that
    transforms.silver_rows carries. `batch` is the batch in silver; None: that of the row's file.
    """
    table = source_checks.TARGETS[source.table]
    return flagged_rows(
        rows,
        name,
        table,
        mapping=source.mapping,
        rules=source_checks.rules_of(table, source),
        where=source.where,
        currency=settings.currency if "currency" in source.mapping else None,
        batch=batch,
    )
