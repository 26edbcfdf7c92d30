"""Shares by hash: known values, equal draws in Python and in a frame, and a fair size."""

from __future__ import annotations

import numpy as np
import pytest

from udfs import shares

# `printf 'churn-v1-v2|c101' | sha256sum` begins with 06e590b0, that of c0 with d5192856.
# A change of the hash would move customers between arms.
EXPERIMENT = "churn-v1-v2"
IDS = [f"c{n}" for n in range(1_000)]


@pytest.fixture(scope="module")
def customers(session):
    return session.createDataFrame([(i,) for i in IDS], "customer_id string")


@pytest.fixture(scope="module")
def values(customers):
    """A function: Column -> its value for each customer."""

    def of(column):
        rows = customers.select("customer_id", column.alias("value")).collect()
        return {r["customer_id"]: r["value"] for r in rows}

    return of


def test_the_hash_is_sha_256_of_purpose_and_id():
    assert shares.digest(EXPERIMENT, "c101").startswith("06e590b0")
    assert shares.digest(EXPERIMENT, "c0").startswith("d5192856")
    # `printf c101 | sha256sum` begins with 3e64ff30.
    assert shares.digest(None, "c101").startswith("3e64ff30")


def test_the_bound_is_the_share_of_the_draws():
    # 06e590b0 is .02694 of 2^32, so c101 is in a share of .027 and not in one of .026.
    assert not shares.is_in_share(0.026, EXPERIMENT, "c101")
    assert shares.is_in_share(0.027, EXPERIMENT, "c101")


@pytest.mark.parametrize("share", [-0.1, 0.0])
def test_nobody_is_in_an_empty_share(values, share):
    assert not any(shares.is_in_share(share, EXPERIMENT, i) for i in IDS)
    inside = shares.is_in_share_column(share, EXPERIMENT, "customer_id")
    assert not any(values(inside).values())


@pytest.mark.parametrize("purpose", [EXPERIMENT, "hold-out", "Can't Lose Them"])
@pytest.mark.parametrize("share", [0.1, 0.3, 1.0])
def test_a_frame_draws_the_customers_that_python_draws(values, purpose, share):
    inside = shares.is_in_share_column(share, purpose, "customer_id")
    by_frame = {customer for customer, is_in in values(inside).items() if is_in}
    assert by_frame == {i for i in IDS if shares.is_in_share(share, purpose, i)}
    # Binomial: at most 4 standard deviations from the expectation.
    assert abs(len(by_frame) - 1_000 * share) <= 4 * (1_000 * share * (1 - share)) ** 0.5


@pytest.mark.parametrize("purpose", [None, "hold-out"])
def test_the_digests_of_a_frame_are_those_of_python(values, purpose):
    column = shares.digest_column(purpose, "customer_id")
    assert values(column) == {i: shares.digest(purpose, i) for i in IDS}


@pytest.mark.spark_only
def test_the_positions_of_a_frame_are_those_of_python(values):
    column = shares.share_of_column(None, "customer_id")
    assert values(column) == {i: shares.share_of(None, i) for i in IDS}


def test_the_position_lies_above_0_and_orders_as_the_digest():
    # (0x3e64ff30 + 1) / 2^32
    assert shares.share_of(None, "c101") == (0x3E64FF30 + 1) / 2**32
    assert sorted(IDS, key=lambda i: shares.share_of(None, i)) == sorted(
        IDS, key=lambda i: shares.digest(None, i)
    )


def test_a_hash_halves_100_000_customers_and_each_segment_of_them():
    inside = np.array([shares.is_in_share(0.5, "e", f"c{n}") for n in range(100_000)])
    assert abs(inside.mean() - 0.5) <= 0.005
    segment = np.arange(100_000) % 7
    for part in range(7):
        # 14,286 customers: a standard deviation of 0.42 points.
        assert abs(inside[segment == part].mean() - 0.5) <= 4 * 0.0042
