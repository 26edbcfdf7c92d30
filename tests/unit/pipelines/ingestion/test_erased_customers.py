"""The erasure list at ingest: nothing without a list, refused without its key, counted rows."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from contracts.gold_erasure import ERASURE_LIST
from contracts.silver import CUSTOMERS
from pipelines.ingestion.erased_customers import erasure_filter
from pipelines.ingestion.row_counts import RowCounts
from runtime import settings
from runtime.errors import SourceError, UsageError
from udfs.keyed_digests import key_id, keyed_digest

KEY, OTHER = "k" * 32, "o" * 32


def context_of(session, rows):
    """rows: (digest, key) of the list; None: the table does not exist."""
    listed = [("r", digest, key_id(key.encode())) for digest, key in rows or ()]
    frame = session.createDataFrame(listed, ERASURE_LIST.ddl)
    return SimpleNamespace(
        settings=settings.load("demo"), has=lambda name: rows is not None, read=lambda name: frame
    )


def test_without_a_list_rows_are_not_compared(session, monkeypatch):
    monkeypatch.delenv("HOLDFAST_ERASURE_KEY", raising=False)
    assert erasure_filter(context_of(session, None)) is None
    assert erasure_filter(context_of(session, [])) is None


def test_a_list_needs_the_key_of_its_digests(session, monkeypatch):
    context = context_of(session, [(keyed_digest("c1", KEY.encode()), KEY)])
    monkeypatch.setenv("HOLDFAST_ERASURE_KEY", KEY)
    kept = erasure_filter(context)
    assert kept is not None and kept.key == KEY.encode()
    for value in (OTHER, None):  # without the variable the demo has a key of its own
        if value is None:
            monkeypatch.delenv("HOLDFAST_ERASURE_KEY")
        else:
            monkeypatch.setenv("HOLDFAST_ERASURE_KEY", value)
        with pytest.raises(UsageError) as fault:
            erasure_filter(context)
        assert str(fault.value) == (
            "HOLDFAST_ERASURE_KEY: silver.erasure_list has digests of another key, so erased "
            "customers would come back. Nothing was written. Set the key with which they were "
            "erased."
        )


def test_rows_of_erased_customers_are_counted_as_such():
    rows = [
        ("b1", "kept", None, None, 3),
        ("b1", "quarantined", "amount_type", None, 1),
        ("b1", "erased", None, None, 2),
        ("b1", "erased", "amount_type", None, 1),
    ]
    counts = RowCounts("members", CUSTOMERS, rows)
    # in, kept, quarantined, duplicate, left out, erased
    assert counts.of_batch("b1") == (7, 3, 1, 0, 0, 3)
    assert counts.rows_judged == 3 + 1
    assert counts.line("1 file").splitlines() == [
        "members: 1 file, 7 rows in = 3 kept + 1 quarantined + 0 exact duplicates + 3 of erased "
        "customers",
        "      quarantined: amount_type 1",
    ]
    counts.check_sum({"b1": 7}, {"b1": "a.csv"})
    with pytest.raises(SourceError) as fault:
        counts.check_sum({"b1": 8}, {"b1": "a.csv"})
    assert "3 kept + 1 quarantined + 0 exact duplicates + 0 left out + 3 of erased customers)" in (
        str(fault.value)
    )
