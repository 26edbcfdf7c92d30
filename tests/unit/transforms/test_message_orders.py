"""Which offers get a message, and the data of each."""

from __future__ import annotations

from transforms.message_orders import message_orders

PLAN = {"as_of": "2026-01-01", "campaign_id": "plan-1", "offer_id": "ten", "is_held_out": False}


def orders(frame, rows_of, *, decisions, profiles=(), transactions=(), scores=(), messages=()):
    rows = message_orders(
        frame("gold.offer_decisions", [{**PLAN, **d} for d in decisions]),
        frame(
            "customer_id string, first_name string, language string, is_opted_out boolean",
            list(profiles),
        ),
        frame("customer_id string, tenure_months double", list(transactions)),
        scores=frame("customer_id string, main_reason string", list(scores)),
        messages=frame("gold.messages", list(messages)),
    )
    return rows_of(rows)


def test_only_offers_that_are_sent_get_a_message(frame, rows_of):
    rows = orders(
        frame,
        rows_of,
        decisions=[
            {"customer_id": "a"},
            {"customer_id": "held", "is_held_out": True},
            {"customer_id": "none", "offer_id": None},
            {"customer_id": "out"},
            {"customer_id": "unknown"},
            {"customer_id": "stranger"},  # has no profile
        ],
        profiles=[
            ("a", "Ada", "de", False),
            ("held", "Ben", "en", False),
            ("none", "Cleo", "en", False),
            ("out", "Dan", "en", True),
            ("unknown", "Eve", "en", None),
        ],
    )
    assert [(r["customer_id"], r["first_name"]) for r in rows] == [
        ("a", "Ada"),
        ("stranger", None),
        ("unknown", "Eve"),
    ]


def test_a_row_has_the_data_of_its_message(frame, rows_of):
    """a has everything; b has a message of another campaign, and no row in the other tables."""
    rows = orders(
        frame,
        rows_of,
        decisions=[{"customer_id": "a"}, {"customer_id": "b"}],
        profiles=[("a", "Ada", "de", False), ("b", "Ben", "en", False)],
        transactions=[("a", 14.0)],
        scores=[("a", "price")],
        messages=[
            {"campaign_id": "plan-1", "customer_id": "a", "brief_digest": "d1"},
            {"campaign_id": "plan-0", "customer_id": "b", "brief_digest": "d0"},
        ],
    )
    known = {"campaign_id": "plan-1", "offer_id": "ten"}
    assert rows == [
        {
            **known,
            "customer_id": "a",
            "first_name": "Ada",
            "language": "de",
            "tenure_months": 14.0,
            "main_reason": "price",
            "known_digest": "d1",
        },
        {
            **known,
            "customer_id": "b",
            "first_name": "Ben",
            "language": "en",
            "tenure_months": None,
            "main_reason": None,
            "known_digest": None,
        },
    ]


def test_scores_without_a_main_reason_give_null(frame, rows_of):
    """The column is optional: no tickets were read."""
    rows = message_orders(
        frame("gold.offer_decisions", [{**PLAN, "customer_id": "a"}]),
        frame(
            "customer_id string, first_name string, language string, is_opted_out boolean",
            [("a", "Ada", "de", False)],
        ),
        frame("customer_id string, tenure_months double", []),
        scores=frame("customer_id string, churn_probability double", [("a", 0.5)]),
        messages=frame("gold.messages", []),
    )
    assert [r["main_reason"] for r in rows_of(rows)] == [None]
