"""Messages of a live source: the events of the company, in the order of delivery."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from simulator.files import rows_of
from simulator.live import LATE, TWICE, deliveries
from simulator.world import DAYS, World

WORLD = World(seed=1, customers=300)
START, END = 300.0, 330.0


@pytest.fixture(scope="module")
def messages():
    return deliveries(WORLD, START, END)


def readable(messages):
    rows = []
    for at, value in messages.itertuples(index=False):
        try:
            rows.append((at, json.loads(value)))
        except json.JSONDecodeError:
            continue
    return rows


def test_the_same_company_sends_the_same_messages_in_order_of_delivery(messages):
    assert messages.equals(deliveries(WORLD, START, END))
    assert messages["at"].is_monotonic_increasing
    # A longer span has the same messages, and others.
    longer = deliveries(WORLD, START - 10, END)
    assert set(messages["value"]) < set(longer["value"])


def test_events_arrive_after_they_happened_some_twice_some_late_some_broken(messages):
    rows = readable(messages)
    assert 0 < len(messages) - len(rows) < 0.01 * len(messages)
    ids = [e["event_id"] for _, e in rows]
    twice = len(ids) - len(set(ids))
    assert 0.3 * TWICE < twice / len(ids) < 3 * TWICE
    assert {e["kind"] for _, e in rows} == {
        *("login", "feature_use", "page_view", "community_post"),
        *("email_sent", "email_opened", "email_replied"),
    }
    late = sum(at - float(day_of(e)) > 1 / 24 for at, e in rows)
    assert 0.2 * LATE < late / len(rows) < 3 * LATE
    assert all(at >= day_of(e) - 1 / 86_400 for at, e in rows)


def day_of(event):
    """Days since the first day of the company."""
    return (
        pd.Timestamp(event["occurred_at"]) - pd.Timestamp("2024-07-01", tz="UTC")
    ) / pd.Timedelta(days=1)


def test_the_events_are_those_of_the_source_files():
    """The batch delivers the same ids: nothing is invented for the stream."""
    ids = {e["event_id"] for _, e in readable(deliveries(WORLD, 0.0, float(DAYS)))}
    files = set(rows_of("engagement", range_of(WORLD), WORLD)["event_id"])
    # The files lack 0.3 % of the rows; the stream lacks its broken messages.
    assert len(ids ^ files) < 0.01 * len(files)


def range_of(world):
    return np.arange(world.customers, dtype=np.int64)
