"""Which due contacts are sent, held back or cancelled: opt-out, consent, offer and booking."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms.delivery_barriers import with_barrier, with_fulfilment

D = dt.date
# The plan is of 1 January. Its message is due on the 3rd and may be sent until the 16th.
MESSAGE = {
    **{"customer_id": "a", "contact_id": "k1", "offer_id": "points", "channel": "file"},
    **{"campaign_id": "plan-1", "rule": "plan-1", "period_on": D(2026, 1, 1)},
    **{"triggered_on": D(2026, 1, 3), "expires_on": D(2026, 1, 17)},
}
# The period of the rule began on 1 December, the risk rose on 3 January.
BY_RULE = {
    **MESSAGE,
    **{"campaign_id": None, "rule": "thank", "channel": "email", "period_on": D(2025, 12, 1)},
}
BOOKED = {"customer_id": "a", "offer_id": "points", "fulfilled_at": "2026-01-05T10:00"}
MORE = "is_opted_out boolean, is_expired boolean"


@pytest.fixture
def barrier_of(frame, rows_of):
    """A function that returns the barrier of one contact of customer a, who gave consent."""

    def barrier(contact, fulfilments=(), *, when_unknown="do_not_contact", booked=("points",)):
        known = {"is_opted_out": False, "is_expired": False, **MESSAGE, **contact}
        rows = with_barrier(
            frame("gold.outbox", [known], more=MORE),
            frame("silver.fulfilments", list(fulfilments)),
            offers=["ten", "points"],
            booked_offers=list(booked),
            when_consent_unknown=when_unknown,
        )
        (row,) = rows_of(rows)
        return row["barrier"]

    return barrier


@pytest.mark.parametrize(
    ("is_opted_out", "when_unknown", "expected"),
    [
        (False, "do_not_contact", None),
        (True, "do_not_contact", "opted_out"),
        (None, "do_not_contact", "consent_unknown"),
        (False, "contact", None),
        (True, "contact", "opted_out"),
        (None, "contact", None),
    ],
)
def test_consent_decides_whether_a_contact_is_sent(
    barrier_of, is_opted_out, when_unknown, expected
):
    contact = {"offer_id": "ten", "is_opted_out": is_opted_out}
    assert barrier_of(contact, when_unknown=when_unknown) == expected
    no_offer = {**contact, "offer_id": None, "campaign_id": None}
    assert barrier_of(no_offer, when_unknown=when_unknown) == expected


@pytest.mark.parametrize(
    ("fulfilment", "expected"),
    [
        ({}, None),
        ({"campaign_id": "plan-1"}, None),
        ({"campaign_id": "plan-0"}, "not_fulfilled"),  # for another campaign
        ({"offer_id": "ten"}, "not_fulfilled"),  # another offer
        ({"customer_id": "b"}, "not_fulfilled"),  # another customer
        ({"fulfilled_at": "2026-01-01T00:00"}, None),  # on the day of the plan, before send_on
        ({"fulfilled_at": "2025-12-31T23:59"}, "not_fulfilled"),  # for an earlier contact
        ({"fulfilled_at": "2026-01-16T23:59"}, None),  # the last day
        ({"fulfilled_at": "2026-01-17T00:00"}, "not_fulfilled"),  # too late
    ],
)
def test_a_message_waits_for_the_booking_of_its_offer(barrier_of, fulfilment, expected):
    assert barrier_of({}, [{**BOOKED, **fulfilment}]) == expected


def test_an_offer_that_needs_no_booking_is_sent_at_once(barrier_of):
    assert barrier_of({}) == "not_fulfilled"
    assert barrier_of({}, booked=()) is None
    assert barrier_of({"offer_id": "ten"}) is None


@pytest.mark.parametrize(
    ("channel", "fulfilment", "expected"),
    [
        ("email", None, "not_fulfilled"),  # the e-mail says that the points were added
        ("file", None, None),  # no text: the receiver may be the one who books
        ("webhook", None, None),
        ("email", {}, None),
        ("email", {"fulfilled_at": "2026-01-03T00:00"}, None),  # the day of the trigger
        ("email", {"fulfilled_at": "2026-01-02T23:59"}, "not_fulfilled"),
        ("email", {"campaign_id": "plan-1"}, "not_fulfilled"),  # a contact of a rule has none
    ],
)
def test_a_contact_of_a_rule_waits_only_if_it_has_a_text(barrier_of, channel, fulfilment, expected):
    fulfilments = [] if fulfilment is None else [{**BOOKED, **fulfilment}]
    assert barrier_of({**BY_RULE, "channel": channel}, fulfilments) == expected


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ({"is_opted_out": True, "is_expired": True, "offer_id": "gone"}, "opted_out"),
        ({"is_opted_out": None, "is_expired": True, "offer_id": "gone"}, "expired"),
        ({"is_opted_out": None, "offer_id": "gone"}, "no_such_offer"),
        ({"is_opted_out": None}, "consent_unknown"),
        ({}, "not_fulfilled"),
    ],
)
def test_a_final_barrier_comes_before_one_that_a_later_run_may_lift(barrier_of, contact, expected):
    assert barrier_of(contact) == expected


def test_two_fulfilments_make_no_second_row(frame, tuples_of):
    contacts = [MESSAGE, {**MESSAGE, "customer_id": "b", "contact_id": "k2"}]
    fulfilments = [BOOKED, {**BOOKED, "campaign_id": "plan-1"}]
    rows = with_fulfilment(frame("gold.outbox", contacts), frame("silver.fulfilments", fulfilments))
    assert tuples_of(rows, "contact_id", "is_fulfilled") == [("k1", True), ("k2", False)]
