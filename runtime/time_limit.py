"""A time limit for the fits of one learner."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runtime.lakehouse.platform import cancellable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

AGAIN_SECONDS = 1.0


class OverTimeError(ValueError):
    """Work was stopped because it exceeded its time limit. A learner is then left out."""


@dataclass(frozen=True)
class TimeLimit:
    """Seconds from now. reason: the message of the error, with the setting to change."""

    seconds: float
    reason: str
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """The remaining seconds; below 0 when they are over."""
        return self.began + self.seconds - time.monotonic()

    def check(self) -> None:
        """OverTimeError if no time is left."""
        if self.left <= 0:
            raise OverTimeError(self.reason)

    @contextmanager
    def on(self, spark: SparkSession) -> Iterator[None]:
        """Cancel the Spark jobs of this thread when no time is left. Raises OverTimeError then."""
        with cancellable(spark) as cancel:
            ended = threading.Event()
            threading.Thread(target=self._cancel, args=(cancel, ended), daemon=True).start()
            try:
                yield
            except Exception as error:
                if self.left <= 0:
                    raise OverTimeError(self.reason) from error
                raise
            finally:
                ended.set()

    def _cancel(self, cancel: Callable[[], object], ended: threading.Event) -> None:
        """Again and again: a job that Spark was still planning is not among those it cancels."""
        wait = max(self.left, 0.0)
        while not ended.wait(wait):
            cancel()
            wait = AGAIN_SECONDS
