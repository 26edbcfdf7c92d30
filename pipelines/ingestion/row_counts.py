"""What became of the rows of one source in one run: in = kept + quarantined + exact duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from contracts.rules import DUPLICATE, KEPT, QUARANTINED, explanation
from contracts.table import Table
from runtime.errors import QualityGateError, SourceError
from runtime.progress import Progress
from runtime.settings import Settings

# Reasons or warnings that a message names.
MOST = 5


class Tally:
    """Counts of one source, from rows (batch_id, outcome, reasons, warnings, count)."""

    def __init__(self, source: str, table: Table, rows: Iterable[Any]) -> None:
        self.source, self.table = source, table
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.reasons: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self.examples: dict[str, str] = {}  # reason: file and values of one such row
        for batch, outcome, reasons, warnings, count in rows:
            self.outcomes[batch, outcome] += count
            for reason in (reasons or "").split(", ") if outcome == QUARANTINED else ():
                self.reasons[reason] += count
            for warning in (warnings or "").split(", ") if outcome == KEPT and warnings else ():
                self.warnings[warning] += count

    def total(self, outcome: str) -> int:
        """Rows of all batches that came out so."""
        return sum(n for (_, o), n in self.outcomes.items() if o == outcome)

    @property
    def rows_in(self) -> int:
        """Rows of all batches."""
        return sum(self.outcomes.values())

    def first_reasons(self) -> list[str]:
        """The most frequent reasons to reject a row, as many as a message names."""
        return [name for name, _ in ordered(self.reasons)[:MOST]]

    def rejections(self) -> Iterator[str]:
        """A sentence for each of them: file, value, rule and fix."""
        for reason, example in self.examples.items():
            yield (
                f"{self.source}: {example}: {reason}, {explanation(reason, self.table.rules)}. "
                f"Rows like it, for silver.quarantine: {self.reasons[reason]:,}. Mend the file, or "
                f"mend sources.{self.source} in conf and run ingest with --replay {self.source}."
            )

    def of_batch(self, batch: str) -> tuple[int, int, int, int]:
        """In, kept, quarantined and duplicate rows of one batch."""
        found = [self.outcomes[batch, o] for o in (KEPT, QUARANTINED, DUPLICATE)]
        return sum(found), found[0], found[1], found[2]

    def check_sum(self, read: Mapping[str, int], names: Mapping[str, str]) -> None:
        """Raise SourceError where a batch has not as many rows as were read from its file."""
        for batch, rows in read.items():
            found, kept, quarantined, duplicate = self.of_batch(batch)
            if found != rows:
                raise SourceError(
                    f"source {self.source}: {names[batch]} has {rows:,} rows, but {found:,} came "
                    f"out ({kept:,} kept + {quarantined:,} quarantined + {duplicate:,} exact "
                    f"duplicates). Nothing was written. The file changed while it was read, or an "
                    f"expression of sources.{self.source}.mapping makes rows; start again, or mend "
                    f"it."
                )

    def tell(self, read: Mapping[str, int], names: Mapping[str, str], progress: Progress) -> None:
        """Say the counts of these files, warn of those without a row and of rows rejected."""
        for batch in (b for b, rows in read.items() if rows == 0):
            progress.warn(f"{self.source}: {names[batch]} names its columns and holds no row.")
        progress.say(f"      {self.line(f'{len(names)} file' + 's' * (len(names) > 1))}")
        for sentence in self.rejections():
            progress.warn(sentence)

    def line(self, files: str) -> str:
        """The counts in one line, and what they consist of in a second."""
        counts = (
            f"{self.source}: {files}, {self.rows_in:,} rows in = {self.total(KEPT):,} kept + "
            f"{self.total(QUARANTINED):,} quarantined + {self.total(DUPLICATE):,} exact duplicates"
        )
        details = [
            f"{title}: {most(found)}"
            for title, found in (("quarantined", self.reasons), ("warnings", self.warnings))
            if found
        ]
        return "\n      ".join([counts, *details])


def check_share(tallies: Iterable[Tally], settings: Settings) -> None:
    """Raise QualityGateError where a source has more rows in quarantine than the limit allows."""
    limit, env = settings.ingest.max_quarantined_share, settings.env
    faults = [_refusal(t, limit) for t in tallies if t.total(QUARANTINED) > limit * t.rows_in]
    if faults:
        raise QualityGateError(
            "\n".join(faults)
            + f"\nNothing was written. Mend the source or its mapping in conf/{env}.yaml, set a "
            f"rule's severity to warn, or raise ingest.max_quarantined_share."
        )


def _refusal(tally: Tally, limit: float) -> str:
    bad = tally.total(QUARANTINED)
    first = tally.first_reasons()[0]
    return (
        f"{tally.source}: {bad:,} of {tally.rows_in:,} rows ({bad / tally.rows_in:.1%}) would go "
        f"to quarantine, the limit is {limit:.1%}. Most: {most(tally.reasons)}. "
        f"{first} means: {explanation(first, tally.table.rules)}."
    )


def most(found: Counter[str]) -> str:
    """The most frequent names with their counts."""
    return ", ".join(f"{name} {count:,}" for name, count in ordered(found)[:MOST])


def ordered(found: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent first; equal counts in the order of the alphabet."""
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
