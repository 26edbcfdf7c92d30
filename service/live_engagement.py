"""Engagement now of customers, from gold.engagement_live, for the online store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from contracts.live import ENGAGEMENT_LIVE
from runtime.file_systems import delta_options
from runtime.files import table_location
from runtime.lakehouse.delta_tables import dataset_of
from runtime.settings import Settings

BATCH_ROWS = 5_000


def live_records(settings: Settings) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """(customer_id, the other columns) of each customer, in batches; nothing without a stream."""
    place = str(table_location(settings.root, ENGAGEMENT_LIVE.name))
    try:
        delta = DeltaTable(place, storage_options=delta_options(str(settings.root)))
    except TableNotFoundError:
        return
    columns = [*ENGAGEMENT_LIVE.column_names]
    rows = dataset_of(delta, ENGAGEMENT_LIVE)
    for batch in rows.to_batches(columns=columns, batch_size=BATCH_ROWS):
        if batch.num_rows:
            yield [(row.pop("customer_id"), row) for row in batch.to_pylist()]
