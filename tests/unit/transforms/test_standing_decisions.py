"""The decisions of plans that count as contacts."""

from __future__ import annotations

import datetime as dt

from transforms import standing_decisions

D = dt.date
AS_OF = D(2026, 1, 1)
PLANNED = (
    "as_of date, customer_id string, campaign_id string, offer_id string, send_on date, "
    "is_held_out boolean"
)
QUEUED = "customer_id string, campaign_id string, offer_id string"


def test_a_decision_counts_as_contact_while_its_message_may_be_sent(frame, tuples_of):
    """ten may be sent for 14 days after send_on, gift for 4. A message of ten was queued for plan
    1, none for plan 2. Unexpired decisions of plan 2 count too, since they may still be approved.
    """
    first, second = (D(2025, 12, 1), "1"), (D(2025, 12, 10), "2")
    rows = frame(
        PLANNED,
        [
            (day, name, campaign, offer, send_on, is_held_out)
            for (day, campaign), name, offer, send_on, is_held_out in (
                (first, "a", "ten", D(2025, 12, 10), False),  # in the outbox
                (
                    first,
                    "k",
                    "ten",
                    D(2025, 12, 2),
                    False,
                ),  # other messages of the offer were approved, this one was not
                (first, "l", "ten", D(2025, 12, 2), True),  # held out from an approved offer
                (first, "b", "ten", D(2025, 12, 20), False),  # superseded by the plan of the 10th
                (first, "c", "ten", D(2025, 12, 10), True),  # held out, on the day of the next plan
                (first, "d", None, None, False),
                (first, "e", "gift", D(2025, 12, 9), False),  # nobody approved gift
                (first, "f", "gone", D(2025, 12, 9), False),  # removed from conf
                (
                    second,
                    "g",
                    "ten",
                    D(2025, 12, 19),
                    False,
                ),  # valid until 1 January, the day of AS_OF
                (second, "h", "ten", D(2025, 12, 18), True),  # valid until 31 December: expired
                (second, "i", "ten", D(2026, 1, 11), False),  # ten days after AS_OF
            )
        ],
    )
    queued = frame(
        QUEUED,
        [
            ("a", "1", "ten"),
            ("x", "1", "ten"),  # a second message of the offer adds no row
            ("y", None, "gift"),  # of a rule
        ],
    )
    contacts = standing_decisions.plan_contacts(rows, queued, {"ten": 14, "gift": 4}, day=AS_OF)
    assert tuples_of(contacts, "customer_id", "contacted_on") == [
        ("c", D(2025, 12, 10)),
        ("g", D(2025, 12, 19)),
        ("i", D(2026, 1, 11)),
        ("l", D(2025, 12, 2)),
    ]


def test_a_budget_of_30_days_has_spent_what_earlier_plans_had_due_in_them(frame, rows_of):
    first, second = (D(2025, 11, 25), "1"), (D(2025, 12, 20), "2")
    rows = frame(
        f"{PLANNED}, effect double, expected_cost double",
        [
            (day, name, campaign, offer, send_on, is_held_out, effect, cost)
            for (day, campaign), name, offer, send_on, is_held_out, effect, cost in (
                (first, "a", "ten", D(2025, 12, 2), False, 0.1, 1.0),  # 30 days before AS_OF
                (first, "b", "ten", D(2025, 12, 3), False, 0.1, 2.0),  # 29
                (first, "c", "ten", D(2025, 12, 3), True, 0.1, 4.0),  # held out
                (first, "d", "gift", D(2025, 12, 20), False, 0.1, 8.0),
                (first, "e", "ten", D(2025, 12, 21), False, 0.1, 16.0),  # superseded
                (first, "f", "gift", D(2025, 12, 20), False, None, None),  # outside the budget
                (second, "g", "ten", AS_OF, False, 0.1, 32.0),
                (second, "h", "ten", D(2026, 1, 2), False, 0.1, 64.0),  # superseded on AS_OF
                (second, "i", None, None, False, None, None),
            )
        ],
    )
    queued = frame(QUEUED, [("b", "1", "ten"), ("d", "1", "gift"), ("f", "1", "gift")])
    used = standing_decisions.budget_used(
        rows, queued, {"ten": 14, "gift": 14}, day=AS_OF, period_days=30
    )
    assert rows_of(used) == [
        {"offer_id": "gift", "customers": 1, "expected_cost": 8.0},
        {"offer_id": "ten", "customers": 3, "expected_cost": 2.0 + 4.0 + 32.0},
    ]
    none = standing_decisions.budget_used(
        rows, queued, {"ten": 1, "gift": 1}, day=D(2026, 2, 15), period_days=30
    )
    assert rows_of(none) == []
