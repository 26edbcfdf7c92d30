"""The Spark session of a build outside pytest, with the settings of tests/conftest.py."""

from __future__ import annotations

from typing import Any


def small_session() -> Any:
    """Two cores and two shuffle partitions: sums are added in the same order each time."""
    from tests import conftest

    return conftest._spark_session()
