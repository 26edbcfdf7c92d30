"""Retries of Delta commits after a conflict with another writer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from delta import exceptions  # importing it makes Delta's conflicts arrive as Python classes
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from runtime.errors import TableError

Result = TypeVar("Result")

# Open-source Delta has no row-level concurrency: 8 of 12 merges by three writers failed with a
# conflict. A failed merge is safe to retry. The wait doubles up to WAIT_SECONDS_MAX, with jitter.
TRIES = 60
WAIT_SECONDS_MAX = 4.0
# Delta's conflict errors have no common base class in Python.
CONFLICTS = tuple(getattr(exceptions, name) for name in exceptions.__all__)


def retried(act: Callable[[], Result]) -> Result:
    """The result of `act`, which is retried after a conflict with another writer."""
    retrying = Retrying(
        retry=retry_if_exception_type(CONFLICTS),
        stop=stop_after_attempt(TRIES),
        wait=wait_random_exponential(multiplier=0.1, max=WAIT_SECONDS_MAX),
        reraise=True,
    )
    try:
        return retrying(act)
    except CONFLICTS as error:
        raise TableError(
            f"Another run changed the same rows during {TRIES} attempts: "
            f"{str(error).splitlines()[0]} Start again when that run has ended."
        ) from None
