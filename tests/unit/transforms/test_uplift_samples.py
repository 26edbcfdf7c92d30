"""Bounded samples of campaign rows."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms.uplift_samples import first_by_hash, keep_offer_days

DAYS = [dt.date(2025, 3, 1), dt.date(2025, 6, 1)]


@pytest.mark.spark_only  # DuckDB has no xxhash64.
def test_two_frames_of_the_same_customers_give_the_same_sample(frame, tuples_of):
    ids = [f"c{n}" for n in range(50)]
    forward = frame("customer_id string", [(i,) for i in ids])
    backward = frame("customer_id string", [(i,) for i in reversed(ids)])
    sample = tuples_of(first_by_hash(forward, 7))
    assert len(sample) == 7
    assert tuples_of(first_by_hash(backward, 7)) == sample


def test_an_offer_is_compared_with_customers_without_an_offer_on_its_days(frame, tuples_of):
    rows = [
        ("got_it", DAYS[0], "ten"),
        ("no_offer", DAYS[0], None),
        ("other_offer", DAYS[0], "gift"),
        ("other_day", DAYS[1], "ten"),
    ]
    armed = frame("customer_id string, as_of date, offer_id string", rows)
    sample = keep_offer_days(armed, "ten", DAYS[:1])
    assert tuples_of(sample, "customer_id", "arm") == [("got_it", 1.0), ("no_offer", 0.0)]
    assert keep_offer_days(armed, "ten", DAYS).count() == 3
