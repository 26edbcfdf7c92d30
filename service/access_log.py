"""One JSON line per request, written in a thread: a request only appends to a queue."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

FLUSH_SECONDS, MOST_WAITING = 0.2, 100_000


class Access(NamedTuple):
    """One request. route: the pattern, never the path, which holds ids of customers."""

    at: float
    request_id: str
    client_request_id: str | None
    method: str
    route: str
    status: int
    seconds: float

    def line(self) -> str:
        """The request as JSON, with its line break."""
        facts = {
            "at": dt.datetime.fromtimestamp(self.at, dt.UTC).isoformat(timespec="milliseconds"),
            "request_id": self.request_id,
            "client_request_id": self.client_request_id,
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "duration_ms": round(self.seconds * 1000, 3),
        }
        return json.dumps({k: v for k, v in facts.items() if v is not None}) + "\n"


class AccessLog:
    """Writes the lines several times a second. write: None turns the log off.

    Beyond MOST_WAITING lines, as when standard error is a pipe that nobody reads, the oldest go.
    """

    def __init__(self, write: Callable[[str], object] | None) -> None:
        self._write = write
        self._queue: deque[Access] = deque(maxlen=MOST_WAITING)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        if self._write is not None:
            self._thread.start()

    def add(self, access: Access) -> None:
        """Queue one line. Never waits."""
        if self._write is not None:
            self._queue.append(access)

    def stop(self) -> None:
        """Write what is queued."""
        self._stopped.set()
        if self._write is not None:
            self._thread.join(1.0)

    def _run(self) -> None:
        is_stopped = False
        while not is_stopped:
            is_stopped = self._stopped.wait(FLUSH_SECONDS)
            lines = []
            while self._queue:
                lines.append(self._queue.popleft().line())
            if lines and self._write is not None:
                self._write("".join(lines))
