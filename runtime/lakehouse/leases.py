"""Leases: one writer per table at a time, across processes and machines.

A run that wants a lease writes the file <root>/.leases/<table>/<number>-<token>.json, with a number
above all others. If it then lists no other file with this number or a higher one, it holds the
lease. If two runs write the same number at the same time, at most one of them lists only its own
file; who lists another one deletes its own file and tries again. So the store needs no lock and no
conditional write. The number is the fencing number of the holder's commits.

The holder rewrites its file, the heartbeat, until it marks it as released. A waiter takes a lease
over if the holder's process has ended on the same machine, or if the file has not changed for
`lease_seconds`. Only the waiter's own monotonic clock measures this, so clocks that differ do not
matter.

A holder that was stopped for longer than `lease_seconds` finds a higher number and refuses to
commit. A window remains between this check and Delta's commit. It is as long as one write takes, or
as long as the process is stopped within it. Delta's conflict detection closes it for commits that
overlap, if Delta's log is atomic across processes (HDFS, Azure, Google Cloud Storage, Databricks;
not a local folder or plain S3). Not covered: a process that is stopped after the check and before
Delta reads the table's version. Its number in the commit's metadata, lower than that of the commit
before it, shows it afterwards.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

from runtime.errors import BusyError, HoldfastError
from runtime.lakehouse.lease_files import LeaseFiles
from runtime.lakehouse.lease_holder import Holder
from runtime.lakehouse.lease_watch import RELEASED, Watch, numbers_of

Tell = Callable[[str], None]
BEATS = 6  # heartbeats per lease_seconds: five may be late or lost
TELL_SECONDS = (1.0, 8.0)  # a waiting run prints a line after 1 s, and then every 8 s
PAUSE_SECONDS = (0.05, 1.0)  # between two looks: the first one, and the longest


@dataclass(frozen=True)
class Terms:
    """lease_seconds: a lease without a heartbeat for so long has expired. wait_seconds: how long
    a run waits for leases."""

    lease_seconds: float
    wait_seconds: float


class Lease:
    """The lease of one table, held by this process. number: its fencing number."""

    def __init__(
        self, files: LeaseFiles, table: str, number: int, *, holder: Holder, seconds: float
    ) -> None:
        self.files, self.table, self.number = files, table, number
        self.holder, self.seconds = holder, seconds
        self.name = f"{number:012d}-{holder.token}.json"
        self._beat = 0
        self._lock = threading.Lock()  # the heartbeat and `is_held` run in two threads
        self._is_released = False

    def take(self) -> bool:
        """Write the file. False: another run wrote this number, or a higher one. It is deleted."""
        is_taken = False
        try:
            self.renew()
            others = numbers_of(self.files, self.table)
            others.pop(self.name, None)
            is_taken = max(others.values(), default=0) < self.number
        finally:
            if not is_taken:
                self.files.delete(self.table, self.name)
        for name in others if is_taken else ():
            self.files.delete(self.table, name)
        return is_taken

    def renew(self) -> None:
        """Show that this holder lives."""
        with self._lock:
            if not self._is_released:
                self._beat += 1
                self.files.write(self.table, self.name, self.text())

    def is_held(self) -> bool:
        """Whether no later holder exists. Renews the lease, so that none appears soon."""
        self.renew()
        return max(numbers_of(self.files, self.table).values(), default=0) == self.number

    def check(self) -> None:
        """BusyError if another run has taken the lease over."""
        if not self.is_held():
            raise BusyError(
                f"{self.table}: another run has taken over the lease of this run (number "
                f"{self.number}), which showed no sign of life for {self.seconds:g} s. This commit "
                "was refused before it was written. Start the command again."
            )

    def release(self) -> None:
        """Let the next run take the lease. The file stays, so that numbers only grow."""
        with self._lock:
            self._is_released = True
            self.files.write(self.table, self.name, self.text(RELEASED))

    def text(self, state: str = "held") -> str:
        """The content of the file."""
        facts = {"state": state, "beat": self._beat, "lease_seconds": self.seconds}
        return json.dumps({**facts, **asdict(self.holder)})


@contextmanager
def leases(
    files: LeaseFiles,
    tables: Sequence[str],
    holder: Holder,
    *,
    terms: Terms,
    tell: Tell = lambda line: None,
) -> Iterator[Mapping[str, Lease]]:
    """Hold the leases of all tables, by name, until the end of the block.

    Waits until all are free and takes all or none, so that runs which want the same tables in
    different orders do not block each other. A block must not wait for further leases while another
    may hold those and wait for its own: see run_leases.py. BusyError: waited wait_seconds in vain.
    """
    held = _acquired(files, sorted(set(tables)), holder, terms=terms, tell=tell)
    ended = threading.Event()
    heartbeat = threading.Thread(
        target=_beat, args=(held, ended, terms.lease_seconds / BEATS), daemon=True
    )
    heartbeat.start()
    try:
        yield {lease.table: lease for lease in held}
    finally:
        ended.set()
        heartbeat.join()
        _release(held)


def _beat(held: Sequence[Lease], ended: threading.Event, seconds: float) -> None:
    while not ended.wait(seconds):
        for lease in held:
            # A store that cannot be reached for a moment. `check` finds out if the lease is lost.
            with suppress(HoldfastError):
                lease.renew()


def _release(held: Sequence[Lease]) -> None:
    for lease in held:
        # Without a release the lease is taken over later: an error here must not hide another.
        with suppress(HoldfastError):
            lease.release()


def _acquired(
    files: LeaseFiles, tables: Sequence[str], holder: Holder, *, terms: Terms, tell: Tell
) -> list[Lease]:
    """The leases of all tables, once all are free at the same time."""
    watch = Watch(files, terms.lease_seconds)
    began = time.monotonic()
    pause, tell_at = PAUSE_SECONDS[0], began + TELL_SECONDS[0]
    while True:
        # All are looked at, so that each one's silence is measured from the beginning.
        busy = [seen for seen in map(watch.look, tables) if not seen.is_free]
        if not busy:
            held = _take_all(watch, tables, holder, tell=tell)
            if held is not None:
                return held
        waited = time.monotonic() - began
        if busy and waited >= terms.wait_seconds:
            raise BusyError(
                f"{busy[0]}. This run waited {terms.wait_seconds:g} s and has not written the "
                "table. Start it again when that run has ended, or raise "
                "lakehouse.lease_wait_seconds."
            )
        if busy and time.monotonic() >= tell_at:
            tell(f"      waiting     {busy[0]}; {waited:.0f} of {terms.wait_seconds:g} s")
            tell_at = time.monotonic() + TELL_SECONDS[1]
        left = max(0.0, terms.wait_seconds - waited)
        time.sleep(min(pause * random.uniform(0.5, 1), left))
        pause = min(pause * 2, PAUSE_SECONDS[1])


def _take_all(
    watch: Watch, tables: Sequence[str], holder: Holder, *, tell: Tell
) -> list[Lease] | None:
    """The leases of all tables. None: another run was faster, and none was kept."""
    held: list[Lease] = []
    try:
        for table in tables:
            seen = watch.look(table)
            lease = Lease(
                watch.files, table, seen.number + 1, holder=holder, seconds=watch.lease_seconds
            )
            if not seen.is_free or not lease.take():
                _release(held)
                return None
            held.append(lease)
            if seen.reason:
                tell(f"      took over   the lease of {table} from {seen.holder}, {seen.reason}")
    except BaseException:
        _release(held)
        raise
    return held
