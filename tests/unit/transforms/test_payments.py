"""Scores of the batch beside answers of requests."""

from __future__ import annotations

from transforms.payments import with_answered

SCORED = "payment_id string, decision string, answered_at timestamp"


def test_an_answer_stays_and_other_payments_are_scored(frame, tuples_of):
    at = "2025-03-01 10:00:00"
    scored = frame(SCORED, [("p1", "approve", None), ("p2", "approve", None)])
    answered = frame(SCORED, [("p2", "review", at), ("p3", "block", at)])
    rows = with_answered(scored, answered).select("payment_id", "decision")

    # p3 is not in silver yet: what was decided about it stays.
    assert sorted(tuples_of(rows)) == [("p1", "approve"), ("p2", "review"), ("p3", "block")]
    none = frame(SCORED, [])
    assert len(tuples_of(with_answered(scored, none))) == 2
    assert len(tuples_of(with_answered(none, answered))) == 2
