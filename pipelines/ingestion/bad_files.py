"""Files that break a rule for files. They are named, quarantined whole, and not read."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.rules import COLUMNS, EMPTY, ENCODING, EXPANSION, LINE_LENGTH, UNREADABLE
from pipelines.ingestion.source_files import SourceFile
from pipelines.ingestion.text_scan import Fault

_FIXES = {
    EMPTY: "Deliver it again with a line that names its columns, and its rows.",
    UNREADABLE: "Deliver it again, or fix format or options of sources.{source} in conf.",
    ENCODING: "Set sources.{source}.options.encoding in conf, or deliver it in this encoding.",
    LINE_LENGTH: "Deliver it again with line ends, or raise the limit.",
    EXPANSION: "Deliver it again, or raise the limit.",
    COLUMNS: "Fix its columns, or sources.{source} in conf.",
}


@dataclass(frozen=True)
class BadFile:
    """A file of a source, and the rule that it broke."""

    file: SourceFile
    fault: Fault

    def message(self, source: str) -> str:
        """The warning: file, value, rule and fix."""
        return (
            f"{source}: {self.file.name} is quarantined as a file ({self.fault.rule}): "
            f"{self.fault.reason}. None of its rows are loaded. "
            f"{_FIXES[self.fault.rule].format(source=source)} It is tried again when its length or "
            f"its modification time has changed."
        )


@dataclass(frozen=True)
class BadShare:
    """The bad files of one source in one run, as the gate counts them.

    rows: rows of bad files, where they could be counted. byte_share: bytes of the other bad files,
    as a share of the bytes of all files of the source.
    """

    files: int = 0
    rows: int = 0
    byte_share: float = 0.0

    def of(self, quarantined: int, rows_in: int) -> float:
        """The quarantined share of a source, with its bad files.

        The uncounted files count with their bytes. The rest is the share of rows: quarantined rows
        and rows of the other bad files, of all rows that were read or counted.

        >>> BadShare().of(quarantined=5, rows_in=100)
        0.05
        >>> BadShare(files=1, rows=100).of(quarantined=5, rows_in=100)
        0.525
        >>> BadShare(files=1, byte_share=0.5).of(quarantined=5, rows_in=100)
        0.525
        """
        counted = rows_in + self.rows
        row_share = (quarantined + self.rows) / counted if counted else 0.0
        return self.byte_share + (1 - self.byte_share) * row_share


def bad_share(bad: list[BadFile], source_bytes: int) -> BadShare:
    """How the bad files of a source count. `source_bytes`: bytes of all files of the source."""
    uncounted = sum(b.file.length for b in bad if b.fault.rows is None)
    return BadShare(
        files=len(bad),
        rows=sum(b.fault.rows or 0 for b in bad),
        byte_share=uncounted / source_bytes if source_bytes else 0.0,
    )
