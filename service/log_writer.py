"""The process that appends spooled answers to gold.inference_log, each exactly once.

    python -m service.log_writer TABLE FOLDER INSTANCE COMMIT_SECONDS

It ends when the service has ended and all files are in Delta. Each commit names the last segment
that it holds (Delta's application transactions), so a file that was appended before a crash is not
appended again.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from contracts.gold_serving import INFERENCE_LOG
from runtime.lakehouse.delta_tables import opened
from runtime.lakehouse.lease_files import lease_files
from runtime.lakehouse.lease_holder import Holder
from runtime.lakehouse.leases import Terms, leases
from service import spool
from service.log_rows import rows_of

LOOK_SECONDS = 0.25
MOST_SEGMENTS = 60  # a minute of answers in one commit
RETRY_SECONDS, MOST_FAILURES = 5.0, 3
TERMS = Terms(lease_seconds=60, wait_seconds=120)  # files wait in the spool meanwhile
log = logging.getLogger("holdfast.service")


class LogWriter:
    """Appends the segments of one instance, and of instances that have ended."""

    def __init__(self, table: str, folder: Path, instance: str) -> None:
        self.table, self.folder, self.instance = table, folder, instance

    def write_own(self) -> int:
        """Append the complete segments of the own instance. Returns their number."""
        return self._write(self.instance)

    def write_ended(self) -> bool:
        """Append the segments of instances that have ended. True: the own one is among them."""
        is_own = False
        for instance in spool.instances(self.folder):
            with spool.dead_instance(self.folder, instance) as is_dead:
                if not is_dead:
                    continue
                while self._write(instance):
                    pass
                (self.folder / f"{instance}{spool.LOCK}").unlink(missing_ok=True)
                is_own |= instance == self.instance
        return is_own

    def _write(self, instance: str) -> int:
        segments = spool.complete_segments(self.folder, instance)[:MOST_SEGMENTS]
        if not segments:
            return 0
        application = f"inference_log-{instance}"
        table = opened(self.table, INFERENCE_LOG)
        done = table.transaction_version(application) or 0
        fresh = [s for s in segments if spool.number_of(s) > done]
        rows = rows_of(line for s in fresh for line in s.read_bytes().splitlines())
        if rows.num_rows:
            transaction = Transaction(application, spool.number_of(fresh[-1]))
            self._append(table, rows, transaction, instance=instance)
        for segment in segments:
            segment.unlink()
        return len(segments)

    def _append(
        self, table: DeltaTable, rows: pa.Table, transaction: Transaction, *, instance: str
    ) -> None:
        """One commit, with the lease of the table: `maintain` may compact it meanwhile."""
        files = lease_files(Path(self.table).parents[1])
        holder = Holder.now("serve", instance)
        with leases(files, [INFERENCE_LOG.name], holder, terms=TERMS) as held:
            lease = held[INFERENCE_LOG.name]
            message = {"job": "serve", "run_id": instance, "lease": lease.number}
            lease.check()
            write_deltalake(
                table,
                rows,
                mode="append",
                commit_properties=CommitProperties(
                    custom_metadata={"userMetadata": json.dumps(message)},
                    app_transactions=[transaction],
                ),
            )


def run(writer: LogWriter, commit_seconds: float) -> int:
    """Write until the service has ended. 1: Delta failed MOST_FAILURES times since, files are left.

    The service's lock tells that it has ended, however it ended.
    """
    service = os.getppid()
    next_commit, failures = time.monotonic(), 0
    while True:
        time.sleep(LOOK_SECONDS)
        try:
            if time.monotonic() >= next_commit:
                next_commit = time.monotonic() + commit_seconds
                while writer.write_own() == MOST_SEGMENTS:
                    pass
            if writer.write_ended():
                return 0
        except Exception as error:  # a full disk, a conflict: the files stay
            log.error("inference log: %s: %s", type(error).__name__, error)
            failures += os.getppid() != service
            if failures >= MOST_FAILURES:
                return 1
            time.sleep(RETRY_SECONDS)


def main(arguments: list[str]) -> int:
    """The command line. Signals to stop are for the service, whose end is seen by its lock."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    table, folder, instance, commit_seconds = arguments
    return run(LogWriter(table, Path(folder), instance), float(commit_seconds))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
