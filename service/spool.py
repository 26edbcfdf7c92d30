"""Files between the service and the process that writes gold.inference_log.

    <instance>.lock         locked (flock) as long as the service <instance> lives
    <instance>-<n>.open     answers that the service is writing, one JSON line each
    <instance>-<n>.jsonl    complete; the writer appends it to Delta and deletes it

An answer that is in a file survives the death of both processes: the page cache is the kernel's.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.files import Location

OPEN, COMPLETE, LOCK = ".open", ".jsonl", ".lock"


def spool_of(root: Location) -> Path:
    """The folder of the spool of a lakehouse of this machine."""
    return Path(root) / "spool" / "inference_log"


class Segments:
    """The writing side: one open file at a time."""

    def __init__(self, folder: Path, instance: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.instance, self.number = folder, instance, 0
        self._lock = (folder / f"{instance}{LOCK}").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._file = -1

    def write(self, content: bytes) -> None:
        """Append complete lines to the open file."""
        if self._file < 0:
            self.number += 1
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            self._file = os.open(self._path(OPEN), flags, 0o640)
        while content:
            content = content[os.write(self._file, content) :]

    def complete(self) -> None:
        """Hand the open file to the writer."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            self._path(OPEN).rename(self._path(COMPLETE))

    def close(self) -> None:
        """Complete the last file and release the lock. The lock file goes with the last segment."""
        self.complete()
        self._lock.close()

    def _path(self, end: str) -> Path:
        return self.folder / f"{self.instance}-{self.number:09d}{end}"


def spooled_bytes(folder: Path) -> int:
    """Size of all files that wait."""
    total = 0
    for path in folder.iterdir():
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # the writer has just deleted it
            continue
    return total


def complete_segments(folder: Path, instance: str) -> list[Path]:
    """The complete files of one instance, oldest first."""
    return sorted(folder.glob(f"{instance}-*{COMPLETE}"))


def number_of(segment: Path) -> int:
    """The number in a segment's name."""
    return int(segment.stem.rpartition("-")[2])


@contextmanager
def dead_instance(folder: Path, instance: str) -> Iterator[bool]:
    """Whether the service of this instance has ended; then it is locked, its open file completed.

    Two writers never take the same one, because the lock is held while the block runs.
    """
    try:
        lock = (folder / f"{instance}{LOCK}").open("r+")
    except FileNotFoundError:
        yield False
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        for path in folder.glob(f"{instance}-*{OPEN}"):
            path.rename(path.with_suffix(COMPLETE))
        yield True


def instances(folder: Path) -> list[str]:
    """The instances that have a lock file."""
    return sorted(path.stem for path in folder.glob(f"*{LOCK}"))
