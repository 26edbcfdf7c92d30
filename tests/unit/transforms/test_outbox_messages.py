"""Messages that become contacts: approved, due, not superseded, each once."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms import outbox_messages as a
from transforms.outbox import outbox_contacts, undelivered
from transforms.standing_decisions import plan_contacts

D = dt.date
PLAN, DAY = D(2026, 1, 1), D(2026, 1, 5)
WAYS = [a.Way("ten", "email", 14), a.Way("gift", "file", 4)]


def message(customer, approved=True, **more):
    plain = {"campaign_id": "plan-1", "offer_id": "ten", "text": f"Hello {customer}."}
    plain |= {"customer_id": customer, "language": "en", "approved": approved}
    return {**plain, "text_id": "yes", "written_by": "claude", **more}


def decision(customer, **more):
    plain = {"campaign_id": "plan-1", "as_of": PLAN, "offer_id": "ten", "is_held_out": False}
    return {**plain, "customer_id": customer, "send_on": D(2026, 1, 2), **more}


POOL = [
    {"text_id": "yes", "approved": True},
    {"text_id": "no", "approved": False},
    {"text_id": "waits", "approved": None},
]


def sendable(frame, messages):
    return a.sendable(frame("gold.messages", messages), frame("gold.text_pool", POOL))


def queued_of(frame, rows_of, messages, decisions, day=DAY):
    frames = sendable(frame, messages), frame("gold.offer_decisions", decisions)
    return rows_of(a.queued(*frames, WAYS, day=day))


@pytest.mark.parametrize(
    ("message_is", "decision_is", "goes"),
    [
        ({}, {}, True),
        ({"approved": False}, {}, False),
        ({"approved": None}, {}, False),
        ({"text_id": "no"}, {}, False),  # rejected after the message was written
        ({"text_id": "waits"}, {}, False),
        ({"text_id": "gone"}, {}, False),
        ({"text_id": "gone", "written_by": "template"}, {}, True),  # approved by conf
        ({"text_id": "gone", "written_by": "template", "approved": False}, {}, False),
        ({}, {"is_held_out": True}, False),
        ({}, {"offer_id": "gift"}, False),  # the message names another offer
        ({}, {"offer_id": None}, False),
        ({"offer_id": "old"}, {"offer_id": "old"}, False),  # removed from conf
        ({}, {"customer_id": "b"}, False),
        ({}, {"campaign_id": "plan-0"}, False),
        ({}, {"send_on": DAY}, True),  # today
        ({}, {"send_on": D(2026, 1, 6)}, False),  # tomorrow
        ({}, {"send_on": D(2025, 12, 23)}, True),  # 13 of 14 days ago
        ({}, {"send_on": D(2025, 12, 22)}, False),  # expired
    ],
)
def test_only_what_is_approved_due_and_meant_goes_out(
    frame, rows_of, message_is, decision_is, goes
):
    approved = message_is.pop("approved", True) if "approved" in message_is else True
    messages = [message("a", approved, **message_is)]
    contacts = queued_of(frame, rows_of, messages, [{**decision("a"), **decision_is}])
    assert [r["customer_id"] for r in contacts] == (["a"] if goes else [])


def test_a_superseded_decision_is_not_sent(frame, rows_of):
    decisions = [
        decision("a", send_on=D(2026, 1, 3)),  # the day of the next plan: sent before that plan
        decision("b", send_on=D(2026, 1, 4)),
        decision("z", campaign_id="plan-2", as_of=D(2026, 1, 3), offer_id=None),
    ]
    contacts = queued_of(frame, rows_of, [message("a"), message("b")], decisions)
    assert [r["customer_id"] for r in contacts] == ["a"]


def test_a_contact_is_the_same_whichever_day_finds_it(frame, rows_of):
    args = (
        [message("a"), message("g", offer_id="gift")],
        [decision("a"), decision("g", offer_id="gift")],
    )
    first, later = (queued_of(frame, rows_of, *args, day=day) for day in (DAY, D(2026, 1, 8)))
    assert [r["customer_id"] for r in first] == ["a", "g"]
    assert later == first[:1]  # gift is valid for four days
    ten, gift = first
    assert (ten["rule"], ten["campaign_id"], ten["period_on"]) == ("plan-1", "plan-1", PLAN)
    assert (ten["triggered_on"], ten["expires_on"]) == (D(2026, 1, 2), D(2026, 1, 16))
    assert (ten["channel"], gift["channel"]) == ("email", "file")
    assert (ten["from_level"], ten["to_level"], ten["is_held_out"]) == (None, None, False)
    assert len(ten["contact_id"]) == 32 and ten["contact_id"] != gift["contact_id"]


def test_an_approval_that_was_taken_back_stops_what_is_queued(frame, rows_of):
    """A text that was written again needs a new approval, and is then sent with the new text."""
    customers = ["a", "b", "c", "d"]
    decisions = [decision(c) for c in customers]
    outbox = queued_of(frame, rows_of, [message(c) for c in customers], decisions)
    of_rule = {**outbox[0], "customer_id": "r", "rule": "call", "campaign_id": None}
    due = undelivered(
        frame("gold.outbox", [*outbox, {**of_rule, "contact_id": "r"}]),
        frame("gold.outbox_deliveries", []),
        DAY,
        is_dead_tried=False,
    )
    now = [
        message("a", text="Hello again."),
        message("b", approved=False),
        message("c", offer_id="gift"),
        message("d", text_id="no"),
    ]
    ready = rows_of(a.with_message(due, sendable(frame, now)))
    assert [(r["customer_id"], r["message_text"]) for r in ready] == [
        ("a", "Hello again."),
        ("r", None),
    ]
    over = undelivered(
        frame("gold.outbox", outbox),
        frame("gold.outbox_deliveries", []),
        D(2026, 2, 1),
        is_dead_tried=False,
    )
    marked = rows_of(a.with_message(over, sendable(frame, now)))
    assert [(r["customer_id"], r["is_expired"]) for r in marked] == [(c, True) for c in customers]


LATE = D(2026, 2, 10)
LONG = [a.Way("ten", "email", 60)]
CHURN_DATE = "customer_id string, as_of date, likely_churn_date date"


def waits_of(frame, rows_of, decisions, contacts=(), dates=(), cooling_off_days=30):
    """Why each approved message is not sent on LATE, by customer and plan."""
    messages = [message(d["customer_id"], campaign_id=d["campaign_id"]) for d in decisions]
    frames = sendable(frame, messages), frame("gold.offer_decisions", decisions)
    judged = a.with_wait(
        a.queued(*frames, LONG, day=LATE),
        frame("customer_id string, contacted_on date", contacts),
        frame(CHURN_DATE, dates),
        day=LATE,
        cooling_off_days=cooling_off_days,
    )
    return {(r["customer_id"], r["rule"]): r["wait"] for r in rows_of(judged)}


@pytest.mark.parametrize(
    ("contacted_on", "churn_date", "wait"),
    [
        (None, None, None),
        (D(2026, 1, 12), None, "cooling_off"),  # 29 days
        (D(2026, 1, 11), None, None),  # 30
        (LATE, None, "cooling_off"),
        (None, LATE, None),
        (None, D(2026, 2, 9), "past_churn_date"),
        (None, D(2026, 1, 1), None),  # before send_on: the plan knew this date
    ],
)
def test_what_was_approved_late_waits_where_a_plan_would_not_send_it(
    frame, rows_of, contacted_on, churn_date, wait
):
    contacts = [("a", contacted_on)] if contacted_on else []
    dates = [("a", PLAN, churn_date), ("a", D(2025, 12, 1), D(2026, 1, 20))]
    waits = waits_of(frame, rows_of, [decision("a")], contacts, dates)
    assert waits == {("a", "plan-1"): wait}


def test_of_two_plans_messages_that_may_go_on_a_day_the_newer_goes(frame, rows_of):
    newer = {"campaign_id": "plan-2", "as_of": D(2026, 2, 5), "send_on": D(2026, 2, 6)}
    both = [decision("a"), decision("a", **newer), decision("b"), decision("b", **newer)]
    # In b's newer plan, the likely churn date has passed.
    dates = [("b", D(2026, 2, 5), D(2026, 2, 9))]
    waits = waits_of(frame, rows_of, both, dates=dates)
    assert waits == {
        ("a", "plan-1"): "cooling_off",
        ("a", "plan-2"): None,
        ("b", "plan-1"): None,
        ("b", "plan-2"): "past_churn_date",
    }
    assert set(waits_of(frame, rows_of, both, cooling_off_days=0).values()) == {None}


def test_a_message_approved_after_the_next_plans_was_sent_makes_no_second_contact(frame, rows_of):
    """The message of the first plan (1 January, due on the 2nd) was not approved in time, so the
    plan of 5 February sent another one on the 6th. The first message is approved on the 10th.
    """
    second = {"campaign_id": "plan-2", "as_of": D(2026, 2, 5), "send_on": D(2026, 2, 6)}
    decisions = [decision("a"), decision("a", **second)]
    newer = [message("a", campaign_id="plan-2")]
    sent = queued_of(frame, rows_of, newer, decisions, day=D(2026, 2, 6))
    delivery = {"contact_id": sent[0]["contact_id"], "status": "sent"}
    outbox = frame("gold.outbox", sent)
    deliveries = frame("gold.outbox_deliveries", [{**delivery, "last_tried_on": D(2026, 2, 6)}])
    plans = frame("gold.offer_decisions", decisions)
    planned = rows_of(plan_contacts(plans, outbox, {"ten": 60}, day=LATE))
    ours = rows_of(outbox_contacts(outbox, deliveries, LATE))
    # The second message counts once: as a contact of the outbox, not as one of its plan.
    assert [r["contacted_on"] for r in planned] == [D(2026, 1, 2)]
    assert [r["contacted_on"] for r in ours] == [D(2026, 2, 6)]
    made = [(r["customer_id"], r["contacted_on"]) for r in ours]
    assert waits_of(frame, rows_of, decisions[:1], made) == {("a", "plan-1"): "cooling_off"}
