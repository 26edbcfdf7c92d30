"""The ledger of decisions: what was promised, and what came of it."""

from __future__ import annotations

import datetime as dt

from transforms.decision_ledger import decision_ledger, promise_moments

AS_OF, SENT = dt.date(2026, 1, 1), dt.date(2026, 1, 5)


def decision(customer, *, is_held_out=False, send_on=SENT):
    return {
        **{"customer_id": customer, "as_of": AS_OF, "campaign_id": "plan-1", "offer_id": "ten"},
        **{"is_held_out": is_held_out, "send_on": send_on, "effect": 0.05},
    }


def ledger_of(frame, bought, until, decisions):
    return decision_ledger(
        frame("gold.offer_decisions", decisions),
        frame(
            "gold.customer_segments", [{"customer_id": "a", "as_of": AS_OF, "segment": "Champions"}]
        ),
        frame(
            "silver.transactions",
            [{"customer_id": c, "purchased_at": day, "amount": a} for c, day, a in bought],
        ),
        horizon_days=30,
        until=until,
    )


KEPT = ("customer_id", "segment", "promised_value", "is_held_out", "outcome_value")


def test_outcomes_of_the_horizon(frame, tuples_of):
    bought = [
        ("a", "2026-01-05 00:00:00", 9),  # the first moment
        ("a", "2026-01-06 00:00:00", 9),  # once is enough
        ("b", "2026-02-04 00:00:00", 9),  # 30 days after: too late
        ("c", "2026-01-04 23:59:59", 9),  # before
        ("d", "2026-01-10 00:00:00", -9),  # a return
    ]
    rows = [decision("a"), decision("b", is_held_out=True), decision("c"), decision("d")]
    ledger = ledger_of(frame, bought, dt.date(2026, 2, 4), rows)
    assert tuples_of(ledger, *KEPT) == [
        ("a", "Champions", 0.05, False, 1.0),
        ("b", "unknown", 0.05, True, 0.0),
        ("c", "unknown", 0.05, False, 0.0),
        ("d", "unknown", 0.05, False, 0.0),
    ]


def test_an_outcome_is_null_until_the_horizon_has_passed(frame, tuples_of):
    bought = [("a", "2026-01-06", 9)]
    ledger = ledger_of(frame, bought, dt.date(2026, 2, 3), [decision("a")])
    assert tuples_of(ledger, "outcome_value", "outcome_known_at") == [
        (None, dt.datetime(2026, 2, 4, tzinfo=dt.UTC))
    ]


def test_decisions_without_a_day_are_left_out(frame, tuples_of):
    ledger = ledger_of(frame, [], dt.date(2026, 2, 4), [decision("a", send_on=None)])
    assert tuples_of(ledger) == []


def test_sums_by_arm(frame, tuples_of):
    bought = [("a", "2026-01-06", 9)]
    rows = [decision("a"), decision("b"), decision("c", is_held_out=True)]
    moments = promise_moments(ledger_of(frame, bought, dt.date(2026, 2, 4), rows))
    names = ("segment", "is_held_out", "customers", "y", "promised")
    assert tuples_of(moments, *names) == [
        ("Champions", False, 1, 1.0, 0.05),
        ("all", False, 2, 1.0, 0.1),
        ("all", True, 1, 0.0, 0.05),
        ("unknown", False, 1, 0.0, 0.05),
        ("unknown", True, 1, 0.0, 0.05),
    ]


def test_a_campaign_counts_when_all_its_outcomes_are_known(frame, tuples_of):
    rows = [decision("a"), decision("b", send_on=dt.date(2026, 1, 6))]
    moments = promise_moments(ledger_of(frame, [], dt.date(2026, 2, 4), rows))
    assert tuples_of(moments) == []
    moments = promise_moments(ledger_of(frame, [], dt.date(2026, 2, 5), rows))
    expected = [("Champions", AS_OF, dt.date(2026, 2, 4)), ("all", AS_OF, dt.date(2026, 2, 5))]
    expected.append(("unknown", AS_OF, dt.date(2026, 2, 5)))
    assert tuples_of(moments, "segment", "first_on", "known_on") == expected
