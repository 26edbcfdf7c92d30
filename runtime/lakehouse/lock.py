"""One writer per lakehouse. A second run fails and names the run that holds the lock."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.errors import BusyError


@contextmanager
def only_writer(root: Path, run_id: str) -> Iterator[None]:
    """Hold the lakehouse's lock. The kernel releases it when the process ends, also after a kill.

    The lock covers one machine. On a shared catalog the scheduler must allow one run of a job at a
    time; Delta's conflict detection refuses other concurrent writes. BusyError: another run holds
    the lock, or the lock file cannot be used.
    """
    root.mkdir(parents=True, exist_ok=True)
    path = root / ".lock"
    with os.fdopen(_opened(path), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another run"
            raise BusyError(
                f"{root.name}: locked by {holder}; one run may write at a time. "
                "Nothing was changed. Start again when that run has ended."
            ) from None
        _check_same(path, file.fileno())
        file.seek(0)
        file.truncate()
        file.write(f"run {run_id} (process {os.getpid()})")
        file.flush()
        yield


def _opened(path: Path) -> int:
    """A descriptor of the lock file. A symbolic link is not followed: its target is not ours."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        reason = "it is a symbolic link" if path.is_symlink() else error.strerror
        raise BusyError(
            f"{path}: the lock file cannot be opened: {reason}. Nothing was changed. Only the "
            "user who owns the lakehouse may write to it. Run as that user, or remove "
            "the file if no run uses it."
        ) from None


def _check_same(path: Path, descriptor: int) -> None:
    """BusyError if the path names another file than the one locked: someone deleted the lock."""
    held = os.fstat(descriptor)
    try:
        named = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        named = None
    if named is None or (named.st_dev, named.st_ino) != (held.st_dev, held.st_ino):
        raise BusyError(
            f"{path}: the lock file was replaced while this run took the lock. Nothing was "
            "changed. Start again, and do not delete the lock file."
        )
