"""Rises of the risk level, the reasons that stop a contact, and the rule that makes it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib

import pytest

from transforms import outbox as e
from transforms.offers import Offer
from udfs.shares import is_in_share

D = dt.date
DAY = D(2026, 1, 1)
LEVELS = ["CRITICAL", "HIGH", "MEDIUM", "LOW"]
CALL = e.Trigger("call", ("CRITICAL",), "value_at_stake > 500", "support", None, "webhook", 90, 3)
MAIL = e.Trigger("mail", ("CRITICAL", "HIGH"), None, "offer", "ten", "email", 90, 7)
LEVEL = (
    "customer_id string, risk_level string, model_name string, model_version string, "
    "risk_scheme string"
)
RISE = (
    "customer_id string, from_level string, to_level string, value_at_stake double, stop string, "
    "is_allowed_ten boolean"
)
CONTACT = "customer_id string, contacted_on date"


def judged(customer, level, name="xgboost", version="3", scheme="relative"):
    return customer, level, name, version, scheme


@pytest.mark.parametrize(
    ("before", "now", "has_risen"),
    [
        ("LOW", "MEDIUM", True),
        ("LOW", "CRITICAL", True),
        ("HIGH", "CRITICAL", True),
        ("HIGH", "HIGH", False),
        ("CRITICAL", "HIGH", False),
        ("low", "HIGH", False),  # of another scheme
        (None, "HIGH", False),  # not scored before: no change is known
    ],
)
def test_a_level_rises_from_a_known_one_to_a_higher_one(frame, rows_of, before, now, has_risen):
    known = [] if before is None else [judged("a", before)]
    rises = rows_of(e.risen(frame(LEVEL, [judged("a", now)]), frame(LEVEL, known), LEVELS))
    levels = [(r["from_level"], r["to_level"]) for r in rises]
    assert levels == ([(before, now)] if has_risen else [])


def test_who_is_lost_to_the_scores_has_no_rise(frame, rows_of):
    assert rows_of(e.risen(frame(LEVEL, []), frame(LEVEL, [judged("a", "LOW")]), LEVELS)) == []


def test_a_deployment_alone_raises_nobody(frame, rows_of):
    """All levels rise from LOW to HIGH. Only those of the same judge on both dates count."""
    judges = {
        "same": [("xgboost", "3", "relative")] * 2,
        "rule": [(None, None, "relative")] * 2,
        "version": [("xgboost", "3", "relative"), ("xgboost", "4", "relative")],
        "learner": [("xgboost", "3", "relative"), ("random_forest", "3", "relative")],
        "first model": [(None, None, "relative"), ("xgboost", "1", "relative")],
        "scheme": [("xgboost", "3", "four_bands"), ("xgboost", "3", "relative")],
        "before schemes were named": [("xgboost", "3", None), ("xgboost", "3", "relative")],
    }
    before = frame(LEVEL, [judged(c, "LOW", *then) for c, (then, _) in judges.items()])
    now = frame(LEVEL, [judged(c, "HIGH", *today) for c, (_, today) in judges.items()])
    rises = rows_of(e.risen(now, before, LEVELS), "customer_id")
    assert [r["customer_id"] for r in rises] == ["rule", "same"]
    assert sum(not r["is_same_judge"] for r in rows_of(e.with_earlier(now, before))) == 5


@pytest.mark.parametrize(
    ("contacted_on", "stop"),
    [
        (D(2025, 12, 3), "cooling_off"),  # 29 days
        (D(2025, 12, 2), None),  # 30
        (D(2026, 1, 30), "cooling_off"),  # a later date was run before
        (D(2026, 1, 31), None),
    ],
)
def test_cooling_off_lasts_so_many_days_both_ways(frame, rows_of, contacted_on, stop):
    rows = frame("customer_id string, is_opted_out boolean", [("a", False)])
    stopped = stopped_of(rows, frame(CONTACT, [("a", contacted_on)]), "contact")
    assert [r["stop"] for r in rows_of(stopped)] == [stop]


def stopped_of(rows, contacts, when_unknown):
    return e.with_stop(rows, contacts, DAY, cooling_off_days=30, when_consent_unknown=when_unknown)


@pytest.mark.parametrize(
    ("when_unknown", "unknown", "unknown_close"),
    [("contact", None, "cooling_off"), ("do_not_contact", "consent_unknown", "consent_unknown")],
)
def test_an_opt_out_stops_and_two_contacts_make_no_second_row(
    frame, rows_of, when_unknown, unknown, unknown_close
):
    rows = frame(
        "customer_id string, is_opted_out boolean",
        [("a", True), ("b", None), ("c", False), ("d", True), ("e", None)],
    )
    close = frame(CONTACT, [(c, DAY) for c in "ccde"])
    stopped = rows_of(stopped_of(rows, close, when_unknown))
    # What the customer said comes before the cooling-off period.
    assert [(r["customer_id"], r["stop"]) for r in stopped] == [
        ("a", "opted_out"),
        ("b", unknown),
        ("c", "cooling_off"),
        ("d", "opted_out"),
        ("e", unknown_close),
    ]


def outbox_of(frame, rows_of, rises, before=(), rules=(CALL, MAIL), day=DAY, held_out=0.0):
    """Rows of gold.outbox. A rise with five values is that of a customer who may get the offer."""
    earlier = frame("gold.outbox", list(before), title="outbox_before")
    rises = [(*rise, True)[:6] for rise in rises]
    return rows_of(e.outbox(frame(RISE, rises), rules, earlier, day=day, hold_out_share=held_out))


def test_the_first_rule_that_fits_makes_the_contact(frame, rows_of):
    rises = [
        ("a", "LOW", "CRITICAL", 501.0, None),
        ("b", "LOW", "CRITICAL", 500.0, None),  # not above 500
        ("c", "LOW", "CRITICAL", None, None),  # a condition that is null does not hold
        ("d", "LOW", "HIGH", 900.0, None),  # call is for CRITICAL only
        ("e", "LOW", "MEDIUM", 900.0, None),  # no rule
        ("f", "LOW", "CRITICAL", 900.0, "opted_out"),
    ]
    contacts = outbox_of(frame, rows_of, rises)
    assert [(r["customer_id"], r["rule"], r["action"], r["offer_id"]) for r in contacts] == [
        ("a", "call", "support", None),
        ("b", "mail", "offer", "ten"),
        ("c", "mail", "offer", "ten"),
        ("d", "mail", "offer", "ten"),
    ]
    first = contacts[0]
    assert (first["triggered_on"], first["expires_on"]) == (DAY, D(2026, 1, 4))
    assert (first["from_level"], first["to_level"], first["channel"]) == (
        *("LOW", "CRITICAL"),
        "webhook",
    )


def test_a_period_is_counted_from_1970():
    # 2026-01-01 is day 20,454: 227 periods of 90 days (20,430), and 24 days.
    assert CALL.period_on(DAY) == D(2025, 12, 8)
    assert CALL.period_on(D(2025, 12, 8)) == D(2025, 12, 8)
    assert CALL.period_on(D(2025, 12, 7)) == D(2025, 9, 9)
    assert e.Trigger("x", ("A",), None, "offer", "o", "file", 1, 1).period_on(DAY) == DAY


def row(customer, rule, period_on, triggered_on):
    plain = {"from_level": "LOW", "to_level": "CRITICAL", "action": "offer", "channel": "email"}
    return {
        **plain,
        "customer_id": customer,
        "rule": rule,
        "period_on": period_on,
        "triggered_on": triggered_on,
        "contact_id": "x",
        "expires_on": DAY,
        "is_held_out": False,
    }


def test_a_rule_has_one_contact_a_period_then_the_next_rule_serves(frame, rows_of):
    rises = [(c, "LOW", "CRITICAL", 900.0, None) for c in "abcd"]
    before = [
        row("a", "call", D(2025, 12, 8), D(2025, 12, 9)),  # in this period
        row("b", "call", D(2025, 9, 9), D(2025, 12, 7)),  # in the previous period
        row("c", "call", D(2025, 12, 8), DAY),  # of the same day: a rerun
        row("d", "call", D(2025, 12, 8), D(2026, 2, 1)),  # a later day of this period, run earlier
    ]
    contacts = outbox_of(frame, rows_of, rises, before)
    assert {r["customer_id"]: r["rule"] for r in contacts} == {
        "a": "mail",
        "b": "call",
        "c": "call",
        "d": "mail",
    }


def test_the_name_of_a_contact_is_that_of_customer_rule_and_period(frame, rows_of):
    (contact,) = outbox_of(frame, rows_of, [("a", "LOW", "CRITICAL", 900.0, None)])
    (later,) = outbox_of(
        frame, rows_of, [("a", "HIGH", "CRITICAL", 900.0, None)], day=D(2026, 1, 2)
    )
    assert contact["contact_id"] == hashlib.sha256(b"call|2025-12-08|a").hexdigest()[:32]
    assert later["contact_id"] == contact["contact_id"]
    assert later["triggered_on"] == D(2026, 1, 2)


def test_of_an_offer_a_random_share_is_held_out_and_of_support_nobody(frame, rows_of):
    rises = [(f"c{n}", "LOW", "HIGH", 900.0, None) for n in range(400)]
    rises += [(f"d{n}", "LOW", "CRITICAL", 900.0, None) for n in range(100)]
    contacts = outbox_of(frame, rows_of, rises, held_out=0.2)
    held = {r["customer_id"] for r in contacts if r["is_held_out"]}
    assert {r["rule"] for r in contacts if r["customer_id"] in held} == {"mail"}
    # 80 expected, standard deviation 8; the draw is deterministic.
    assert 48 <= len(held) <= 112
    by_hand = {
        r["customer_id"]
        for r in contacts
        if r["rule"] == "mail" and is_in_share(0.2, "hold-out", r["contact_id"])
    }
    assert held == by_hand
    assert not any(r["is_held_out"] for r in outbox_of(frame, rows_of, rises))


def test_what_is_sent_cancelled_or_dead_is_done_with(frame, rows_of):
    queued = [
        {**row(c, "mail", DAY, DAY), "contact_id": c, "expires_on": D(2026, 1, 8)}
        for c in "abcdefh"
    ]
    queued.append({**queued[0], "customer_id": "g", "contact_id": "g", "is_held_out": True})
    queued[5]["triggered_on"] = D(2026, 1, 2)  # after the day of delivery
    tried = [
        {"contact_id": c, "customer_id": c, "status": s, "attempts": n, "last_tried_on": DAY}
        for c, s, n in (
            ("a", "sent", 1),
            ("b", "failed", 2),
            ("c", "dead", 3),
            ("d", "cancelled", 0),
            ("h", "held_back", 1),
        )
    ]
    tried[1]["reason"], tried[4]["reason"] = "http_503", "not_fulfilled"
    outbox, deliveries = frame("gold.outbox", queued), frame("gold.outbox_deliveries", tried)

    def left(is_dead_tried, day=DAY):
        rows = rows_of(e.undelivered(outbox, deliveries, day, is_dead_tried=is_dead_tried))
        names = ("attempts", "is_expired", "held_back_for")
        return {r["contact_id"]: tuple(r[n] for n in names) for r in rows}

    still = {
        "b": (2, False, None),
        "e": (0, False, None),
        "h": (1, False, "not_fulfilled"),
    }
    assert left(False) == still
    assert left(True) == {**still, "c": (3, False, None)}
    # The last valid day, and the day after.
    assert left(False, D(2026, 1, 7))["e"] == (0, False, None)
    assert left(False, D(2026, 1, 8))["e"] == (0, True, None)


def test_a_contact_counts_from_the_day_of_sending_and_one_that_waits_from_today(frame, rows_of):
    """Triggered on 1 January. All but f may be sent until the 19th; f expires on the 11th."""
    plain = {"expires_on": D(2026, 1, 20)}
    queued = [{**row(c, "mail", DAY, DAY), "contact_id": c, **plain} for c in "abcdefghi"]
    queued[5]["expires_on"] = D(2026, 1, 11)
    queued[6]["is_held_out"] = True
    queued[7]["triggered_on"] = D(2026, 1, 15)  # a later day was run before
    tried = [
        {"contact_id": c, "customer_id": c, "status": s, "attempts": 1, "last_tried_on": on}
        for c, s, on in (
            ("a", "sent", D(2026, 1, 9)),
            ("b", "dead", DAY),
            ("c", "cancelled", DAY),
            ("e", "failed", D(2026, 1, 9)),
            ("i", "held_back", D(2026, 1, 9)),
        )
    ]
    outbox, deliveries = frame("gold.outbox", queued), frame("gold.outbox_deliveries", tried)
    contacts = e.outbox_contacts(outbox, deliveries, D(2026, 1, 11))
    assert [(r["customer_id"], r["contacted_on"]) for r in rows_of(contacts)] == [
        ("a", D(2026, 1, 9)),
        ("d", D(2026, 1, 11)),
        ("e", D(2026, 1, 11)),
        ("g", DAY),
        ("h", D(2026, 1, 15)),
        ("i", D(2026, 1, 11)),
    ]


OFFER = Offer(
    name="ten",
    share=0.1,
    money=None,
    is_paid_on_redemption=True,
    again_after_days=60,
    most_customers=None,
    eligible=None,
    is_in_budget=True,
)
SURVEY = dataclasses.replace(OFFER, name="survey", eligible="lifecycle = 'lost'")
STOPPED = "customer_id string, lifecycle string, stop string"
EFFECT = "customer_id string, offer_id string, effect double"


def test_an_offer_is_allowed_for_customers_who_could_get_it_in_a_plan(frame, rows_of):
    rows = frame(
        STOPPED,
        [
            ("a", "active", None),
            ("b", "lost", None),
            ("c", None, None),  # unknown customer: no condition holds
            ("d", "active", "cooling_off"),
            ("e", "silent", None),  # got ten 59 days ago
            ("f", "silent", None),  # 60 days ago
            ("g", "active", None),  # known to be harmful
            ("h", "active", None),  # known to have no effect
            ("i", "active", None),  # only survey is known to be harmful
            ("j", "active", None),  # and ten to have an effect
        ],
    )
    contacts = frame(
        f"{CONTACT}, offer_id string",
        [("e", D(2025, 11, 3), "ten"), ("f", D(2025, 11, 2), "ten"), ("a", D(2025, 12, 1), "x")],
    )
    effects = frame(
        EFFECT, [("g", "ten", -0.1), ("h", "ten", 0.0), ("i", "survey", -0.1), ("j", "ten", 0.1)]
    )
    allowed = rows_of(e.with_allowed(rows, [OFFER, SURVEY], contacts, effects=effects, day=DAY))
    assert [r["customer_id"] for r in allowed] == list("abcdefghij")
    assert {r["customer_id"] for r in allowed if r["is_allowed_ten"]} == set("afij")
    assert {r["customer_id"] for r in allowed if r["is_allowed_survey"]} == {"b"}


def test_who_may_not_get_the_offer_of_a_rule_is_for_the_next_rule(frame, rows_of):
    ask = e.Trigger("ask", ("HIGH",), None, "survey", None, "file", 90, 7)
    rises = [("a", "LOW", "HIGH", 900.0, None, True), ("b", "LOW", "HIGH", 900.0, None, False)]
    contacts = outbox_of(frame, rows_of, rises, rules=(MAIL, ask))
    assert [(r["customer_id"], r["rule"], r["offer_id"]) for r in contacts] == [
        ("a", "mail", "ten"),
        ("b", "ask", None),
    ]
