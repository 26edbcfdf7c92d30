"""The next purchase after a past date, as known on a later date."""

from __future__ import annotations

import datetime as dt

from transforms.next_purchases import next_purchases

SUMMARY = "customer_id string, as_of date, frequency bigint, recency_days bigint, T_days bigint"
DAYS = "customer_id string, day date, visible_from date, cents bigint, is_purchase int"
CUT, UNTIL = dt.date(2026, 2, 1), dt.date(2026, 2, 11)


def bought(customer, offset, known=1, is_purchase=1):
    """A purchase `offset` days after CUT that is visible `known` days later."""
    day = CUT + dt.timedelta(days=offset)
    return (customer, day, day + dt.timedelta(days=known), 100, is_purchase)


def rows(frame, tuples_of, days, customers, spans=((CUT, UNTIL),), ends=None, most=100):
    summary = frame(SUMMARY, [(name, CUT, 2, 9, 30) for name in customers])
    made = next_purchases(frame(DAYS, days), summary, ends, spans=spans, most=most)
    return tuples_of(made.select("customer_id", "until", "next_days"))


def test_the_first_purchase_at_or_after_the_date_counts(frame, tuples_of):
    days = [
        bought("on the day", -3),
        bought("on the day", 0),
        bought("the first of two", 3),
        bought("the first of two", 4),
        bought("last day", 9),
        bought("too late", 10),
        bought("known too late", 2, known=30),
        bought("a return", 1, is_purchase=0),
        bought("a return", 5),
        bought("stranger", 1),
    ]
    names = ["on the day", "the first of two", "last day", "too late", "known too late", "a return"]
    after = rows(frame, tuples_of, days, [*names, "silent"])
    assert {name: days_after for name, _, days_after in after} == {
        "on the day": 0,
        "the first of two": 3,
        "last day": 9,
        "too late": None,
        "known too late": None,
        "a return": 5,
        "silent": None,
    }


def test_each_span_sees_what_was_known_at_its_end(frame, tuples_of):
    later = UNTIL + dt.timedelta(days=10)
    spans = [(CUT, UNTIL), (CUT, later)]
    assert rows(frame, tuples_of, [bought("a", 12)], ["a"], spans=spans) == [
        ("a", UNTIL, None),
        ("a", later, 12),
    ]


def test_an_ended_contract_is_left_out(frame, tuples_of):
    ended = dt.datetime(2026, 1, 20)
    ends = frame(
        "silver.terminations",
        [{"customer_id": "left", "terminated_at": ended, "known_at": ended}],
    )
    after = rows(frame, tuples_of, [bought("left", 3)], ["left", "stays"], ends=ends)
    assert after == [("stays", UNTIL, None)]


def test_a_span_has_at_most_the_given_number_of_customers(frame, tuples_of):
    assert len(rows(frame, tuples_of, [bought("a", 3)], list("abcdef"), most=4)) == 4
