"""The small lake by the names that notebooks and SQL know its tables by."""

from __future__ import annotations

from contextlib import contextmanager

import pytest


@pytest.fixture(scope="session")
def in_small_env(small_lake, spark):
    """A context in which env `small` is there; afterwards the session's catalog is as it was."""
    from runtime import settings

    @contextmanager
    def inside():
        settings.use_conf_dir(str(small_lake.conf))
        try:
            yield "small"
        finally:
            settings.use_conf_dir(None)
            for schema in ("bronze", "silver", "features", "gold"):
                # Views alone: no table's data is behind them.
                spark.sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")

    return inside


@pytest.fixture
def small_env(in_small_env):
    with in_small_env() as env:
        yield env
