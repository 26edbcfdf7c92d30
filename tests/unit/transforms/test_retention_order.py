"""The order of strategy p_alive where P(alive) is known for some customers only."""

from __future__ import annotations

import datetime as dt

from transforms.retention_plan import OF_CUSTOMER, ranked

NOW = dt.date(2018, 1, 1)
COLUMNS = (*OF_CUSTOMER, "timing", "net_value", "expected_value_kept", "cost")
TYPES = {"as_of": "date", "send_on": "date"} | dict.fromkeys(
    ("customer_id", "value_basis", "timing"), "string"
)


def test_customers_with_a_known_p_alive_come_before_those_without(frame, rows_of):
    """BG/NBD gives no P(alive) to customers with one purchase.

    They rank behind all customers with a P(alive), however few purchases are expected of them, and
    among themselves by expected purchases.
    """
    # (customer, p_alive, expected_purchases_30d)
    customers = [
        ("once_seldom", None, 0.01),
        ("sure", 1.00, 0.02),
        ("once_often", None, 2.50),
        ("doubtful", 0.30, 4.00),
        ("once", None, 0.35),
        ("likely", 0.99, 0.02),
    ]
    alike = {"as_of": NOW, "churn_probability": 0.5, "value_at_stake": 100.0, "timing": "now"}
    rows = frame(
        ", ".join(f"{name} {TYPES.get(name, 'double')}" for name in COLUMNS),
        [
            {**alike, "customer_id": name, "p_alive": p_alive, "expected_purchases_30d": expected}
            for name, p_alive, expected in customers
        ],
    )
    plan = ranked(rows, {"p_alive": "p_alive"}, 30)
    ranks = {row["customer_id"]: row["rank"] for row in rows_of(plan)}
    assert ranks == {
        "doubtful": 1,
        "likely": 2,
        "sure": 3,
        "once_seldom": 4,
        "once": 5,
        "once_often": 6,
    }
