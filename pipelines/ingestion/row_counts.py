"""Row counts of one source in one run.

Rows in = kept + quarantined + exact duplicates + left out + erased.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from contracts.rules import DUPLICATE, ERASED, KEPT, LEFT_OUT, QUARANTINED, explanation
from contracts.table import Table
from pipelines.ingestion.bad_files import BadShare
from runtime.errors import QualityGateError, SourceError
from runtime.progress import Progress
from runtime.settings import Settings
from runtime.wording import plural

if TYPE_CHECKING:
    from pyspark.sql import Row

# Maximum number of reasons or warnings that a message lists.
MOST = 5


class RowCounts:
    """Counts of one source, from rows (batch_id, outcome, reasons, warnings, count).

    has_where: the source may leave rows out, so their number is printed even if it is 0.
    """

    def __init__(
        self, source: str, table: Table, rows: Iterable[Row], has_where: bool = False
    ) -> None:
        self.source, self.table, self.has_where = source, table, has_where
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.reasons: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self.examples: dict[str, str] = {}  # reason -> file and values of one row
        self.repeated_lines = 0  # duplicates of a row of the same file, in a source of order lines
        for batch, outcome, reasons, warnings, count in rows:
            self.outcomes[batch, outcome] += count
            for reason in (reasons or "").split(", ") if outcome == QUARANTINED else ():
                self.reasons[reason] += count
            for warning in (warnings or "").split(", ") if outcome == KEPT and warnings else ():
                self.warnings[warning] += count

    def total(self, outcome: str) -> int:
        """Rows of all batches with this outcome."""
        return sum(n for (_, o), n in self.outcomes.items() if o == outcome)

    @property
    def rows_in(self) -> int:
        """Number of rows of all batches."""
        return sum(self.outcomes.values())

    def first_reasons(self) -> list[str]:
        """The most frequent reasons why rows were rejected, at most MOST."""
        return [name for name, _ in ordered(self.reasons)[:MOST]]

    def rejections(self) -> Iterator[str]:
        """One message per reason with an example: file, value, rule and fix."""
        for reason, example in self.examples.items():
            yield (
                f"{self.source}: {example}: {reason}, {explanation(reason, self.table.rules)}. "
                f"Rows with this reason, for silver.quarantine: {self.reasons[reason]:,}. Fix the "
                f"file, or fix sources.{self.source} in conf and run ingest with --replay "
                f"{self.source}."
            )

    def lost_lines(self) -> Iterator[str]:
        """A warning if the key may drop equal articles of one order."""
        if self.repeated_lines:
            yield (
                f"{self.source}: rows that equal an earlier row of the same file, dropped as exact "
                f"duplicates: {self.repeated_lines:,}. If an order may list the same article "
                f"twice, map line_number and add it to sources.{self.source}.key. If the export "
                f"has no line number, and no row is delivered twice, remove the key."
            )

    @property
    def rows_judged(self) -> int:
        """Rows in without those left out and those of erased customers."""
        return self.rows_in - self.total(LEFT_OUT) - self.total(ERASED)

    def of_batch(self, batch: str) -> tuple[int, int, int, int, int, int]:
        """Rows in, kept, quarantined, duplicate, left out and erased of one batch."""
        kept, quarantined, duplicate, left_out, erased = (
            self.outcomes[batch, o] for o in (KEPT, QUARANTINED, DUPLICATE, LEFT_OUT, ERASED)
        )
        total = kept + quarantined + duplicate + left_out + erased
        return total, kept, quarantined, duplicate, left_out, erased

    def check_sum(self, read: Mapping[str, int], names: Mapping[str, str]) -> None:
        """SourceError if a batch does not have as many rows as were read from its file."""
        for batch, rows in read.items():
            total, kept, quarantined, duplicate, left_out, erased = self.of_batch(batch)
            if total != rows:
                raise SourceError(
                    f"source {self.source}: {names[batch]} has {plural(rows, 'row')}, but the "
                    f"mapping gave {total:,} ({kept:,} kept + {quarantined:,} quarantined + "
                    f"{plural(duplicate, 'exact duplicate')} + {left_out:,} left out + {erased:,} "
                    f"of erased customers). Nothing was written. Either the file "
                    f"changed while it was read: run ingest again. Or an expression of "
                    f"sources.{self.source}.mapping gives several rows per row: fix it."
                )

    def tell(self, read: Mapping[str, int], names: Mapping[str, str], progress: Progress) -> None:
        """Print the counts. Warn about files without rows and about rejected rows."""
        for batch in (b for b, rows in read.items() if rows == 0):
            progress.warn(f"{self.source}: {names[batch]} names its columns but has no rows.")
        progress.say(f"      {self.line(plural(len(names), 'file'))}")
        for message in (*self.rejections(), *self.lost_lines()):
            progress.warn(message)

    def line(self, files: str) -> str:
        """The counts in one line. Reasons and warnings, if any, follow on a line each."""
        counts = (
            f"{self.source}: {files}, {plural(self.rows_in, 'row')} in = "
            f"{self.total(KEPT):,} kept + {self.total(QUARANTINED):,} quarantined + "
            f"{plural(self.total(DUPLICATE), 'exact duplicate')}"
        )
        if self.has_where:
            counts += f" + {self.total(LEFT_OUT):,} left out"
        if erased := self.total(ERASED):
            counts += f" + {erased:,} of erased customers"
        details = [
            f"{title}: {most(names)}"
            for title, names in (("quarantined", self.reasons), ("warnings", self.warnings))
            if names
        ]
        return "\n      ".join([counts, *details])


def check_share(taken: Iterable[tuple[RowCounts, BadShare]], settings: Settings) -> None:
    """QualityGateError if a source has more rows and files in quarantine than the limit allows."""
    limit, env = settings.ingest.max_quarantined_share, settings.env
    faults = [_refusal(c, bad, limit) for c, bad in taken if _share(c, bad) > limit]
    if faults:
        raise QualityGateError(
            "\n".join(faults)
            + f"\nNothing was written. Fix the source or its mapping in conf/{env}.yaml, set a "
            f"rule's severity to warn, or raise ingest.max_quarantined_share."
        )


def _share(counts: RowCounts, bad: BadShare) -> float:
    return bad.of(counts.total(QUARANTINED), counts.rows_judged)


def _refusal(counts: RowCounts, bad: BadShare, limit: float) -> str:
    files = f"{plural(bad.files, 'file')} and " if bad.files else ""
    text = (
        f"{counts.source}: {files}{counts.total(QUARANTINED):,} of "
        f"{plural(counts.rows_judged, 'row')} ({_share(counts, bad):.1%}) would be quarantined, "
        f"the limit is {limit:.1%}."
    )
    if bad.files:
        text += " The warnings above name the files."
    if first := next(iter(counts.first_reasons()), None):
        text += (
            f" Most frequent reasons: {most(counts.reasons)}. {first} means: "
            f"{explanation(first, counts.table.rules)}."
        )
    return text


def most(names: Counter[str]) -> str:
    """The most frequent names with their counts."""
    return ", ".join(f"{name} {count:,}" for name, count in ordered(names)[:MOST])


def ordered(names: Counter[str]) -> list[tuple[str, int]]:
    """Names and counts, the most frequent first. Ties are in alphabetical order."""
    return sorted(names.items(), key=lambda pair: (-pair[1], pair[0]))
