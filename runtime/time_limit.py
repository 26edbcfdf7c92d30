"""A time limit for the fits of one learner."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


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
        tag = f"limit-{uuid.uuid4().hex}"
        spark.addTag(tag)
        timer = threading.Timer(max(self.left, 0.0), spark.interruptTag, [tag])
        timer.daemon = True
        timer.start()
        try:
            yield
        except Exception as error:
            if self.left <= 0:
                raise OverTimeError(self.reason) from error
            raise
        finally:
            timer.cancel()
            spark.removeTag(tag)
