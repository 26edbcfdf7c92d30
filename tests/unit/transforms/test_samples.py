"""Samples for the driver: bounded, and the same however the rows arrive."""

from __future__ import annotations

import pytest

from transforms.samples import hash_sample

pytestmark = pytest.mark.usefixtures("row_hashes")
ROWS = [(f"c{n}", n) for n in range(20)]


def test_a_sample_does_not_depend_on_the_order_of_the_rows(frame, tuples_of):
    forward, backward = (frame("customer_id string, n int", rows) for rows in (ROWS, ROWS[::-1]))
    sample = tuples_of(hash_sample(forward, ["customer_id"], 7))
    assert len(sample) == 7
    assert sample == tuples_of(hash_sample(backward, ["customer_id"], 7))


def test_a_larger_sample_holds_the_smaller_one(frame, tuples_of):
    rows = frame("customer_id string, n int", ROWS)
    small, large = (set(tuples_of(hash_sample(rows, ["customer_id"], n))) for n in (5, 12))
    assert small < large


def test_fewer_rows_than_allowed_are_all_kept(frame, tuples_of):
    rows = frame("customer_id string, n int", ROWS)
    assert tuples_of(hash_sample(rows, ["customer_id", "n"], 21)) == sorted(ROWS)
