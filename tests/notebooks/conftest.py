"""The small lake, with its tables registered by name for notebooks and SQL."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from tests.conftest import ENGINE

# All of these tests need Spark.
collect_ignore_glob = ["test_*.py"] if ENGINE == "duckdb" else []


@pytest.fixture(scope="session")
def in_small_env(small_lake, spark):
    """A context manager that provides env `small` and restores the catalog of the session."""
    from runtime import settings

    @contextmanager
    def inside():
        settings.use_conf_dir(str(small_lake.conf))
        try:
            yield "small"
        finally:
            settings.use_conf_dir(None)
            for schema in ("bronze", "silver", "features", "gold"):
                # The schemas contain only views, so no data is dropped.
                spark.sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")

    return inside


@pytest.fixture
def small_env(in_small_env):
    with in_small_env() as env:
        yield env
