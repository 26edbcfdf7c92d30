"""What unit tests of several packages share."""

from __future__ import annotations

import pytest

from runtime.lakehouse.duck_session import kept as kept_rows


@pytest.fixture
def row_hashes(session, monkeypatch):
    """Give DuckDB the functions `xxhash64` and `pmod`, which sqlframe does not have.

    DuckDB's own `hash` stands in for xxHash. Its values differ from Spark's, so a test may rely on
    a stable hash of each row, but not on its value. On Spark the fixture changes nothing.
    """
    if not hasattr(session, "_conn"):
        return
    from pyspark.sql import Column, functions as F

    def xxhash64(*columns):
        first, *others = (F.col(c) if isinstance(c, str) else c for c in columns)
        return Column.invoke_anonymous_function(first, "hash", *others)

    # The hash is unsigned, so that the remainder is never negative.
    monkeypatch.setattr(F, "xxhash64", xxhash64, raising=False)
    monkeypatch.setattr(F, "pmod", lambda dividend, divisor: dividend % divisor, raising=False)


def keeper(session):
    """A function that computes a frame once, as Lake.keep does: sqlframe nests whole queries."""

    def keep(rows):
        return kept_rows(session, rows) if hasattr(session, "_conn") else rows.persist()

    return keep


@pytest.fixture(scope="session")
def kept(session):
    """See `keeper`."""
    return keeper(session)
