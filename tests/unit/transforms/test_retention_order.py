"""The order of strategy p_alive where P(alive) is known for some customers only."""

from __future__ import annotations

import datetime as dt

from transforms.offers import Offer
from transforms.retention_plan import INPUTS, AssumedOffer, ranked, with_expectations

NOW = dt.date(2018, 1, 1)
TYPES = {"as_of": "date", "customer_id": "string", "likely_churn_date": "date"}
DISCOUNT = Offer("discount_10", 0.1, None, True, 0, None, None, True)
OFFER = AssumedOffer(DISCOUNT, effect=0.2, redeemed_share=0.5)


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
    rows = frame(
        ", ".join(f"{name} {TYPES.get(name, 'double')}" for name in INPUTS),
        [
            (NOW, name, 0.5, p_alive, expected, 100.0, 100.0, None)
            for name, p_alive, expected in customers
        ],
    )
    plan = ranked(with_expectations(rows, OFFER), ["p_alive"], 30)
    ranks = {row["customer_id"]: row["rank"] for row in rows_of(plan)}
    assert ranks == {
        "doubtful": 1,
        "likely": 2,
        "sure": 3,
        "once_seldom": 4,
        "once": 5,
        "once_often": 6,
    }
