"""How long a run may take: rows of the source files, and what runs of the project have taken."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow.parquet as pq

from runtime.machine import BYTES_PER_SOURCE_BYTE, gigabytes, local_files
from runtime.wording import plural

if TYPE_CHECKING:
    from runtime.settings.sources import SourceSettings

# A row of a text file is about as long as those at the beginning of the first file.
SAMPLE_BYTES = 1_000_000
# Runs of up to this many times the rows of the largest measured run are estimated.
MOST_TIMES_MEASURED = 2.0


class MeasuredRun(NamedTuple):
    """A first run of run_pipeline on an empty lakehouse with two cores (benchmarks/RESULTS.md)."""

    rows: int
    seconds: int
    peak_bytes: int | None


MEASURED = (MeasuredRun(1_476_701, 434, 5_490_000_000),)


def estimate_text(sources: Mapping[str, SourceSettings], source_bytes: int) -> str | None:
    """Duration, memory and disk of a first run, as one sentence; None if nothing tells them."""
    counts = [source_rows(name, source) for name, source in sources.items()]
    known = [rows for rows in counts if rows is not None]
    if not known or len(known) < len(counts):
        return None
    rows = sum(known)
    seconds = estimated_seconds(rows, MEASURED)
    if seconds is None:
        return None
    peak = max((run.peak_bytes for run in MEASURED if run.peak_bytes), default=0)
    memory = f", up to {gigabytes(peak)} of memory" if peak else ""
    smallest, largest = MEASURED[0].rows, MEASURED[-1].rows
    at_most = "at most " if rows < smallest else ""
    ran = "a run of " if smallest == largest else f"runs of {smallest:,} to "
    return (
        f"Estimate for a first run of {plural(rounded(rows), 'row')}: {at_most}"
        f"{rounded_time(seconds)}"
        f"{memory}, up to {gigabytes(BYTES_PER_SOURCE_BYTE * source_bytes)} of disk. It follows "
        f"from {ran}{plural(largest, 'row')} on 2 cores; customers, settings and other work change "
        "it."
    )


def estimated_seconds(rows: int, measured: Sequence[MeasuredRun]) -> float | None:
    """Seconds by the measured runs with the nearest rows, ascending. None: too far above them.

    Between two runs, log(seconds) is linear in log(rows). Below the smallest run its seconds are
    the upper limit.

    >>> runs = [MeasuredRun(100, 60, None), MeasuredRun(10_000, 240, None)]
    >>> round(estimated_seconds(1_000, runs)), estimated_seconds(10, runs)
    (120, 60)
    """
    largest = measured[-1]
    if rows > MOST_TIMES_MEASURED * largest.rows:
        return None
    above = next((n for n, run in enumerate(measured) if run.rows >= rows), None)
    if above == 0:
        return measured[0].seconds
    if above is None:
        return largest.seconds * rows / largest.rows
    low, high = measured[above - 1], measured[above]
    part = math.log(rows / low.rows) / math.log(high.rows / low.rows)
    return low.seconds * (high.seconds / low.seconds) ** part


def rounded(rows: int) -> int:
    """Two significant digits, as an estimate has them.

    >>> rounded(1_476_701), rounded(40_144), rounded(0)
    (1500000, 40000, 0)
    """
    return round(rows, 1 - int(math.log10(rows))) if rows else 0


def rounded_time(seconds: float) -> str:
    """Minutes; below two minutes tens of seconds.

    >>> rounded_time(434), rounded_time(84)
    ('about 7 minutes', 'about 80 s')
    """
    if seconds < 120:
        return f"about {max(round(seconds, -1), 10):.0f} s"
    return f"about {plural(round(seconds / 60), 'minute')}"


def source_rows(name: str, source: SourceSettings) -> int | None:
    """About how many rows the files of a source have. None: not known without reading them."""
    files = [] if source.path is None else sorted(local_files({name: source.path}))
    if not files:
        return None
    if source.format == "parquet":
        return parquet_rows(files)
    if source.format in ("csv", "json") and not any(f.suffix in (".gz", ".bz2") for f in files):
        return text_rows(files)
    return None


def parquet_rows(files: Iterable[Path]) -> int | None:
    """Rows by the footers; other files do not count. None: a footer cannot be read."""
    try:
        return sum(pq.read_metadata(f).num_rows for f in files if f.suffix == ".parquet")
    except (OSError, ValueError):
        return None


def text_rows(files: Sequence[Path]) -> int | None:
    """Rows by the bytes of all files and the length of the first lines of the first file."""
    with files[0].open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
    lines = sample.count(b"\n")
    if not lines:
        return None
    whole = sum(file.stat().st_size for file in files)
    return round(whole * lines / len(sample))
