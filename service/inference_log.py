"""The bounded queue of answers. No request waits for it.

A thread moves the queue to files every FLUSH_SECONDS, so SIGKILL loses at most these. A process of
its own (service.log_writer) writes the files to gold.inference_log and gold.fraud_scores.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from runtime.settings.service import InferenceLogSettings
from service.log_rows import LoggedAnswer, ScoredPayment
from service.spool import Segments, spooled_bytes

FLUSH_SECONDS, COMPLETE_SECONDS = 0.2, 1.0
log = logging.getLogger("holdfast.service")


class InferenceLog:
    """The log of one service process.

    dropped: answers that were not logged, because the queue or the spool was full, or the disk
    failed. written: answers in files. shadow: called in the thread with each batch, for further
    rows (the challenger in shadow).
    """

    def __init__(
        self,
        folder: Path,
        root: str,
        settings: InferenceLogSettings,
        *,
        shadow: Callable[[list[LoggedAnswer]], Iterable[LoggedAnswer]] | None = None,
    ) -> None:
        self.folder, self.root, self.settings, self.shadow = folder, root, settings, shadow
        self.dropped = self.written = 0
        self._queue: deque[LoggedAnswer | ScoredPayment] = deque()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="inference-log", daemon=True)
        self._writer: subprocess.Popen[bytes] | None = None
        self.instance = uuid.uuid4().hex

    @property
    def waiting(self) -> int:
        """Answers in the queue."""
        return len(self._queue)

    def start(self) -> None:
        """Open the spool, and start the thread and the writer."""
        self._segments = Segments(self.folder, self.instance)
        self._start_writer()
        self._thread.start()

    def add(self, answer: LoggedAnswer | ScoredPayment) -> None:
        """Queue one answer. Never waits: a full queue drops and counts it."""
        if len(self._queue) >= self.settings.queue:
            self.dropped += 1
        else:
            self._queue.append(answer)

    def stop(self, seconds: float) -> bool:
        """Write what is queued, and wait for the writer. False: files are left for the next start.

        Nothing is lost in either case.
        """
        self._stopped.set()
        self._thread.join()
        self._segments.close()
        if self._writer is None:
            return True
        try:
            return self._writer.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            return False  # it goes on by itself

    def _run(self) -> None:
        completed_at = time.monotonic()
        is_stopped = False
        while not is_stopped:
            is_stopped = self._stopped.wait(FLUSH_SECONDS)
            self._flush()
            if time.monotonic() - completed_at >= COMPLETE_SECONDS:
                self._tend()
                completed_at = time.monotonic()

    def _tend(self) -> None:
        try:
            self._segments.complete()
        except OSError as error:
            log.error("inference log: %s cannot be written: %s", self.folder, error.strerror)
        if self._writer is not None and self._writer.poll() is not None:
            code = self._writer.returncode
            log.error("inference log: the writer ended with %s. It is started again.", code)
            self._start_writer()

    def _flush(self) -> None:
        batch: list[LoggedAnswer | ScoredPayment] = []
        while self._queue:
            batch.append(self._queue.popleft())
        if not batch:
            return
        try:
            if spooled_bytes(self.folder) > self.settings.spool_bytes:
                raise OSError(f"over {self.settings.spool_bytes:,} bytes wait for Delta")
            if self.shadow is not None:
                batch.extend(self.shadow([a for a in batch if isinstance(a, LoggedAnswer)]))
            self._segments.write(b"".join(answer.line() for answer in batch))
            self.written += len(batch)
        except Exception as error:  # a full disk must not end the thread
            self.dropped += len(batch)
            # Other errors could show features.
            told = str(error) if isinstance(error, OSError) else type(error).__name__
            log.error("inference log: %d answers were dropped: %s", len(batch), told)

    def _start_writer(self) -> None:
        arguments = [self.root, str(self.folder), self.instance, str(self.settings.commit_seconds)]
        command = [sys.executable, "-m", "service.log_writer", *arguments]
        # Its own session: Ctrl-C in a terminal is for the service. It ends when the lock is free.
        self._writer = subprocess.Popen(command, start_new_session=True)
