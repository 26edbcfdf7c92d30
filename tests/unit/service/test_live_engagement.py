"""Engagement now, read without an engine."""

from __future__ import annotations

import pytest

from service.live_engagement import live_records
from tests.unit.pipelines.streams.event_lake import Stream, event, settings_of

pytestmark = pytest.mark.duckdb_only


def test_each_customer_of_the_stream_has_a_record(tmp_path):
    assert list(live_records(settings_of(tmp_path))) == []
    events = [event(n, "2026-01-10T12:00:00Z", customer=f"c{n}") for n in range(3)]
    Stream(tmp_path).apply(0, events)

    records = dict(pair for batch in live_records(settings_of(tmp_path)) for pair in batch)

    assert sorted(records) == ["c0", "c1", "c2"]
    assert records["c0"]["level"] == "low"
    # Weights of logins and community are .3 and .2; no other component is known.
    assert records["c0"]["engagement_score"] == pytest.approx(0.3 / 0.5 / 30, abs=1e-12)
