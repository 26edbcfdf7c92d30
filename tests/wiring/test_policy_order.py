"""decide_offers: the policy `random` goes by a hash of the id, not by the id."""

from __future__ import annotations

import hashlib

import pytest

from transforms.offer_policies import priority_of


@pytest.mark.spark_only  # DuckDB has no conv
def test_the_random_policy_ranks_by_a_hash_of_the_customer_id(session):
    ids = [f"c{n:03d}" for n in range(20)]
    frame = session.createDataFrame([(i,) for i in ids], "customer_id string")
    rows = frame.select("customer_id", priority_of("random").alias("priority")).collect()
    priority = {r["customer_id"]: float(r["priority"]) for r in rows}
    # The first eight hexadecimal digits of SHA-256 and 1, as a share of 2^32: above 0, at most 1.
    expected = {i: (int(hashlib.sha256(i.encode()).hexdigest()[:8], 16) + 1) / 2**32 for i in ids}
    assert priority == expected
    assert sorted(ids, key=priority.get) != ids


def test_by_risk_ranks_by_churn_probability_and_treat_all_does_not_rank(session):
    frame = session.createDataFrame(
        [("a", 0.2), ("b", 0.9)], "customer_id string, churn_probability double"
    )
    for policy, expected in (("by_risk", [0.2, 0.9]), ("treat_all", [1.0, 1.0])):
        rows = frame.select("customer_id", priority_of(policy).alias("priority")).collect()
        assert [r["priority"] for r in sorted(rows, key=lambda r: r["customer_id"])] == expected
