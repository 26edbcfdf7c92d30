"""Engagement now of customers: gold.engagement_live in memory, read again after each commit.

A request reads memory only. So the answer costs no call of Redis, and needs none after a restart.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from contracts.live import ENGAGEMENT_LIVE, OPEN_DAY_FEATURES
from runtime.file_systems import delta_options
from runtime.files import Location, table_location
from runtime.lakehouse.delta_tables import dataset_of
from runtime.settings import Settings
from service.watch import Watch

# A stream commits every some seconds. A look at an unchanged table takes 0.3 ms.
LOOK_SECONDS = 0.5
EVENTS, NO_EVENTS, NO_STREAM, NO_CUSTOMER = "events", "no_events", "no_stream", "no_customer_id"
SHOWN = ("day", "engagement_score", "engagement_basis", "change_1d", "level", "updated_at")
# The columns that features.behavior has too.
FEATURES = ("engagement_score", "engagement_basis", *OPEN_DAY_FEATURES)


@dataclass(frozen=True)
class Live:
    """Engagement now of one customer. row: of gold.engagement_live, by name; None: see basis."""

    basis: str
    row: dict[str, Any] | None = None

    @property
    def shown(self) -> dict[str, Any] | None:
        """engagement_live of an answer."""
        return None if self.row is None else {name: self.row[name] for name in SHOWN}

    def features_since(self, as_of: str) -> dict[str, Any]:
        """The known features of the open day. Empty if it is over at as_of: the batch has it."""
        if self.row is None or self.row["day"].isoformat() < as_of:
            return {}
        return {name: self.row[name] for name in FEATURES if self.row[name] is not None}


NOBODY = Live(NO_CUSTOMER)


@dataclass(frozen=True)
class Rows:
    """The table in the order of its customers, by column."""

    columns: dict[str, pa.Array]

    @classmethod
    def of(cls, delta: DeltaTable) -> Rows:
        """Read the table. Arrow does it in threads of its own, while requests are answered."""
        rows = dataset_of(delta, ENGAGEMENT_LIVE)
        names = ["customer_id", *dict.fromkeys((*SHOWN, *FEATURES))]
        table = rows.to_table(names).sort_by("customer_id")
        return cls({name: table.column(name).combine_chunks() for name in names})

    def row(self, customer_id: str) -> dict[str, Any] | None:
        """The row of a customer."""
        ids = self.columns["customer_id"]
        place = bisect_left(ids, customer_id, key=lambda known: known.as_py())
        if place == len(ids) or ids[place].as_py() != customer_id:
            return None
        return {name: column[place].as_py() for name, column in self.columns.items()}


class LiveEngagement(Watch):
    """Holds gold.engagement_live of one lakehouse."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(LOOK_SECONDS, what=ENGAGEMENT_LIVE.name, thread="live-engagement")
        own = settings.service.live_lakehouse
        root = settings.root if own is None else Location.of(own)
        self._place = str(table_location(root, ENGAGEMENT_LIVE.name))
        self._options = delta_options(str(root))
        self._delta: DeltaTable | None = None
        self._rows: Rows | None = None

    def of(self, customer_id: str | None) -> Live:
        """Engagement now of a customer."""
        rows = self._rows
        if customer_id is None:
            return NOBODY
        if rows is None:
            return Live(NO_STREAM)
        row = rows.row(customer_id)
        return Live(NO_EVENTS) if row is None else Live(EVENTS, row)

    def _refresh(self) -> None:
        # Without a failure it is kept: after one, the table is opened again. That also follows a
        # table that was deleted and made again, at the latest with its next commit.
        delta, self._delta = self._delta, None
        if delta is None:
            try:
                delta = DeltaTable(self._place, storage_options=self._options)
            except TableNotFoundError:
                self._rows = None
                return
            self._rows = Rows.of(delta)
        else:
            before = delta.version()
            delta.update_incremental()
            if delta.version() != before:
                self._rows = Rows.of(delta)
        self._delta = delta
