"""Loads something at the start of the service, and again in a thread when it has changed."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod

from runtime.errors import HoldfastError

log = logging.getLogger("holdfast.service")


class Watch(ABC):
    """What answers is loaded, from the registry or from a table, and loaded again when it changes.

    fault: why the last look failed; None: it did not. failures: their count since the start.
    """

    def __init__(self, seconds: float, *, what: str, thread: str) -> None:
        """Look every so many seconds. what: names what failed if a look fails."""
        self.fault: str | None = None
        self.failures = 0
        self._seconds, self._what = seconds, what
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=thread, daemon=True)

    def start(self) -> None:
        """Look once, and begin to watch."""
        self.refresh()
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    def refresh(self) -> None:
        """Load what has changed. Faults are kept, logged once."""
        try:
            self._refresh()
            self.fault = None
        except Exception as error:  # what is loaded goes on answering, whatever failed
            self.failures += 1
            is_told = isinstance(error, HoldfastError)
            fault = str(error) if is_told else f"{self._what} failed: {type(error).__name__}"
            if fault != self.fault:
                log.error("%s", fault)
            self.fault = fault

    @abstractmethod
    def _refresh(self) -> None:
        """Load what changed."""

    def _watch(self) -> None:
        while not self._stopped.wait(self._seconds):
            self.refresh()
