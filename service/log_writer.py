"""The process that writes spooled answers to gold.inference_log and gold.fraud_scores, each once.

    python -m service.log_writer ROOT FOLDER INSTANCE COMMIT_SECONDS

It ends when the service has ended and all files are in Delta. Each commit to gold.inference_log
names the last segment that it holds (Delta's application transactions), so a file that was appended
before a crash is not appended again. Payments are merged on their key.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

from contracts.gold_fraud import DEGRADED, FRAUD_SCORES
from contracts.gold_serving import INFERENCE_LOG
from contracts.table import Table
from runtime.lakehouse.delta_tables import opened
from runtime.lakehouse.lease_files import lease_files
from runtime.lakehouse.lease_holder import Holder
from runtime.lakehouse.leases import Terms, leases
from service import spool
from service.log_rows import answer_rows, payment_rows

LOOK_SECONDS = 0.25
MOST_SEGMENTS = 60  # a minute of answers in one commit
RETRY_SECONDS, MOST_FAILURES = 5.0, 3
TERMS = Terms(lease_seconds=60, wait_seconds=120)  # files wait in the spool meanwhile
log = logging.getLogger("holdfast.service")


class LogWriter:
    """Writes the segments of one instance, and of instances that have ended."""

    def __init__(self, root: Path, folder: Path, instance: str) -> None:
        self.root, self.folder, self.instance = root, folder, instance

    def write_own(self) -> int:
        """Write the complete segments of the own instance. Returns their number."""
        return self._write(self.instance)

    def write_ended(self) -> bool:
        """Write the segments of instances that have ended. True: the own one is among them."""
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
        contents = {spool.number_of(s): s.read_bytes().splitlines() for s in segments}
        self._append_answers(contents, instance)
        payments = payment_rows(chain.from_iterable(contents.values()))
        if payments.num_rows:
            self._merge_payments(payments, instance)
        for segment in segments:
            segment.unlink()
        return len(segments)

    def _append_answers(self, contents: Mapping[int, list[bytes]], instance: str) -> None:
        """One commit to gold.inference_log, with the number of the last segment."""
        table = self._opened(INFERENCE_LOG)
        application = f"inference_log-{instance}"
        done = table.transaction_version(application) or 0
        rows = answer_rows(line for n, lines in contents.items() if n > done for line in lines)
        if rows.num_rows:
            transaction = Transaction(application, max(contents))
            with self._commit(INFERENCE_LOG, instance, [transaction]) as properties:
                write_deltalake(table, rows, mode="append", commit_properties=properties)

    def _merge_payments(self, rows: pa.Table, instance: str) -> None:
        """One commit to gold.fraud_scores. A repetition changes nothing, so it needs no number.

        A row of an earlier request stays, unless it is degraded and this one is not. A row of
        score_payments gives way: nobody had asked.
        """
        with self._commit(FRAUD_SCORES, instance, []) as properties:
            merge = self._opened(FRAUD_SCORES).merge(
                rows,
                predicate="t.paid_on = s.paid_on AND t.payment_id = s.payment_id",
                source_alias="s",
                target_alias="t",
                commit_properties=properties,
            )
            replaced = f"t.basis = '{DEGRADED}' AND s.basis <> '{DEGRADED}'"
            merge.when_matched_update_all(
                predicate=f"t.answered_at IS NULL OR ({replaced})"
            ).when_not_matched_insert_all().execute()

    def _opened(self, table: Table) -> DeltaTable:
        return opened(str(self.root / table.layer / table.short_name), table)

    @contextmanager
    def _commit(
        self, table: Table, instance: str, transactions: list[Transaction]
    ) -> Iterator[CommitProperties]:
        """The properties of a commit, with the lease of the table: other commands write it too."""
        holder = Holder.now("serve", instance)
        with leases(lease_files(self.root), [table.name], holder, terms=TERMS) as held:
            lease = held[table.name]
            message = {"job": "serve", "run_id": instance, "lease": lease.number}
            lease.check()
            yield CommitProperties(
                custom_metadata={"userMetadata": json.dumps(message)},
                app_transactions=transactions,
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
    root, folder, instance, commit_seconds = arguments
    return run(LogWriter(Path(root), Path(folder), instance), float(commit_seconds))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
