"""What the simulated company reads from the outbox, and how it approves messages."""

from __future__ import annotations

import datetime as dt

import pytest

from contracts.silver import FULFILMENTS
from transforms.simulated_answers import approved_texts, bookings, sent_offers

OFFERS = ("discount_10", "discount_20")
FIRST_DAY = dt.date(2024, 7, 1)


def test_each_customer_has_the_offer_that_was_sent(frame, tuples_of):
    customers = frame("id bigint", [(n,) for n in range(5)])
    contacts = frame(
        "customer_id string, contact_id string, offer_id string, triggered_on date",
        [
            ("c0000001", "k1", "discount_20", "2024-07-03"),
            ("c0000002", "k2", "discount_10", "2024-07-04"),  # not delivered
            ("c0000003", "k3", "winback", "2024-07-05"),  # an offer that is not simulated
            ("c0000004", "k4", "discount_10", "2024-06-30"),
        ],
    )
    deliveries = frame(
        "contact_id string, status string",
        # k9 is a contact of another plan.
        [("k1", "sent"), ("k2", "dead"), ("k3", "sent"), ("k4", "sent"), ("k9", "sent")],
    )
    rows = sent_offers(customers, contacts, deliveries, offers=OFFERS, first_day=FIRST_DAY)
    assert tuples_of(rows, "id", "offer", "day") == [
        (0, -1, 0),
        (1, 1, 2),  # 1 July + 2 days
        (2, -1, 0),
        (3, -1, 4),
        (4, 0, -1),
    ]


@pytest.mark.spark_only
def test_only_offers_that_are_sent_and_must_be_booked_are_booked(frame, tuples_of):
    plan = {"campaign_id": "plan-1", "offer_id": "points", "is_held_out": False}
    decisions = [
        {**plan, "customer_id": "a"},
        {**plan, "customer_id": "held", "is_held_out": True},
        {**plan, "customer_id": "ten", "offer_id": "discount_10"},
        {**plan, "customer_id": "none", "offer_id": None},
    ]
    moment = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
    rows = bookings(frame("gold.offer_decisions", decisions), ["points"], moment)
    columns = ("customer_id", "offer_id", "campaign_id", "batch_id", "source")
    assert tuples_of(rows, *columns) == [
        ("a", "points", "plan-1", "bookings-plan-1", "simulated_company")
    ]
    (row,) = rows.collect()
    assert row["fulfilled_at"] == row["known_at"] and row["content_hash"] is not None
    assert rows.columns == list(FULFILMENTS.column_names)


def test_only_waiting_texts_that_passed_are_approved(frame, tuples_of):
    passed = {"form_verdict": "passed", "judge_verdict": "passed"}
    pool = frame(
        "gold.text_pool",
        [
            {"text_id": "a", **passed},
            {"text_id": "b", **passed, "approved": False},
            {"text_id": "c", **passed, "judge_verdict": "refused: threat"},
            {"text_id": "d", **passed, "form_verdict": "name", "judge_verdict": None},
        ],
    )
    moment = dt.datetime(2024, 7, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    columns = ("text_id", "approved", "approved_by", "approved_at")
    assert tuples_of(approved_texts(pool, moment), *columns) == [
        ("a", True, "simulated company", dt.datetime(2024, 7, 1))
    ]
