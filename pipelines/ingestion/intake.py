"""What one run takes from one source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contracts.table import Table
from pipelines.ingestion.bad_files import BadFile, BadShare, bad_share
from pipelines.ingestion.row_counts import RowCounts

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass
class Intake:
    """The new files of one source: their rows with outcome, the counts, the batches to replace.

    files: batch -> name of the file.
    """

    name: str
    bronze: Table
    rows: DataFrame
    counts: RowCounts
    files: dict[str, str]
    batches: list[str]


@dataclass(frozen=True)
class Taken:
    """What one run takes from a source. intake: None if it has no new file that can be read.

    source_bytes: bytes of all files of the source, also of those that were loaded before.
    """

    counts: RowCounts
    bad: list[BadFile]
    source_bytes: int
    intake: Intake | None = None

    @property
    def share(self) -> tuple[RowCounts, BadShare]:
        """What counts against ingest.max_quarantined_share."""
        return self.counts, bad_share(self.bad, self.source_bytes)
