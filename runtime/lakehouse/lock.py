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
    time; Delta's conflict detection refuses other concurrent writes.
    """
    root.mkdir(parents=True, exist_ok=True)
    with open(root / ".lock", "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another run"
            raise BusyError(
                f"{root.name}: locked by {holder}; one run may write at a time. "
                "Nothing was changed. Start again when that run has ended."
            ) from None
        file.seek(0)
        file.truncate()
        file.write(f"run {run_id} (process {os.getpid()})")
        file.flush()
        yield
