"""Which decisions of plans count as contacts."""

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


def test_a_plan_contacts_whom_it_was_not_too_late_to_write_to(frame, tuples_of):
    """ten may be sent for 14 days from send_on, gift for 4. Of plan 1 a message of ten was queued,
    of plan 2 none: there what is still in time counts all the same, as it may be approved yet."""
    first, second = (D(2025, 12, 1), "1"), (D(2025, 12, 10), "2")
    rows = frame(
        PLANNED,
        [
            (day, name, campaign, offer, send_on, is_held_out)
            for (day, campaign), name, offer, send_on, is_held_out in (
                (first, "a", "ten", D(2025, 12, 10), False),  # a contact of the outbox
                (first, "k", "ten", D(2025, 12, 2), False),  # others' were approved, this one not
                (first, "l", "ten", D(2025, 12, 2), True),  # held out from one of those approved
                (first, "b", "ten", D(2025, 12, 20), False),  # the plan of the 10th decided anew
                (first, "c", "ten", D(2025, 12, 10), True),  # held out, on that very day
                (first, "d", None, None, False),
                (first, "e", "gift", D(2025, 12, 9), False),  # nobody approved gift
                (first, "f", "gone", D(2025, 12, 9), False),  # conf has it no longer
                (second, "g", "ten", D(2025, 12, 19), False),  # to be sent by 1 January, of AS_OF
                (second, "h", "ten", D(2025, 12, 18), True),  # by 31 December: too late
                (second, "i", "ten", D(2026, 1, 11), False),  # ten days from AS_OF
            )
        ],
    )
    queued = frame(
        QUEUED,
        [
            ("a", "1", "ten"),
            ("x", "1", "ten"),  # one more of it makes no second row
            ("y", None, "gift"),  # of a rule
        ],
    )
    found = standing_decisions.plan_contacts(rows, queued, {"ten": 14, "gift": 4}, AS_OF)
    assert tuples_of(found, "customer_id", "contacted_on") == [
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
                (first, "e", "ten", D(2025, 12, 21), False, 0.1, 16.0),  # decided anew
                (first, "f", "gift", D(2025, 12, 20), False, None, None),  # outside the budget
                (second, "g", "ten", AS_OF, False, 0.1, 32.0),
                (second, "h", "ten", D(2026, 1, 2), False, 0.1, 64.0),  # decided anew on AS_OF
                (second, "i", None, None, False, None, None),
            )
        ],
    )
    queued = frame(QUEUED, [("b", "1", "ten"), ("d", "1", "gift"), ("f", "1", "gift")])
    found = standing_decisions.budget_used(rows, queued, {"ten": 14, "gift": 14}, AS_OF, 30)
    assert rows_of(found) == [
        {"offer_id": "gift", "customers": 1, "expected_cost": 8.0},
        {"offer_id": "ten", "customers": 3, "expected_cost": 2.0 + 4.0 + 32.0},
    ]
    none = standing_decisions.budget_used(rows, queued, {"ten": 1, "gift": 1}, D(2026, 2, 15), 30)
    assert rows_of(none) == []
