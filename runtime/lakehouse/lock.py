"""One writer a lakehouse: the second run says who is at work instead of waiting or corrupting."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.errors import BusyError


@contextmanager
def only_writer(root: Path, run_id: str) -> Iterator[None]:
    """Hold the lakehouse's lock. The kernel frees it with the process, so no kill leaves it behind.

    It covers one machine. On a shared catalog the scheduler allows one run of a job at a time, and
    Delta's own conflict detection refuses the rest.
    """
    root.mkdir(parents=True, exist_ok=True)
    with open(root / ".lock", "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another run"
            raise BusyError(
                f"{root.name}: {holder} is writing it, and only one run may. "
                "Nothing was changed. Start again when it has ended."
            ) from None
        file.seek(0)
        file.truncate()
        file.write(f"run {run_id} (process {os.getpid()})")
        file.flush()
        yield
