"""The number of customers whose consent is unknown."""

from __future__ import annotations

from transforms.consent import consent_counts

PROFILE = "customer_id string, is_opted_out boolean"


def test_customers_without_an_answer_or_a_profile_are_counted_once(frame, tuples_of):
    """a said yes, b said no; c said nothing, d has no profile; a row without a customer is none."""
    rows = frame("customer_id string", [(c,) for c in ("a", "a", "b", "c", "c", "d", None)])
    profiles = frame(PROFILE, [("a", False), ("b", True), ("c", None), ("z", None)])
    assert tuples_of(consent_counts(rows, profiles)) == [(4, 2)]
    assert tuples_of(consent_counts(rows.limit(0), profiles)) == [(0, 0)]
