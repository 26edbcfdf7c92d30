"""Customers called safe who left."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms.surprise_leavers import last_purchases, surprise_leavers

AS_OF = dt.date(2026, 1, 1)
LEFT = dt.date(2025, 12, 20)


def score(customer, probability, prediction):
    return {
        **{"customer_id": customer, "as_of": AS_OF, "risk_level": "LOW"},
        **{"churn_probability": probability, "churn_prediction": prediction},
    }


def factor(rank, feature, value, direction):
    return {
        **{"customer_id": "left", "as_of": AS_OF, "rank": rank, "feature": feature},
        **{"value": value, "direction": direction},
    }


@pytest.fixture
def leavers(frame):
    return surprise_leavers(
        frame(
            "gold.customer_scores",
            [
                score("left", 0.2, 0),
                score("stayed", 0.1, 0),
                score("warned", 0.9, 1),
                score("open", 0.3, 0),  # no label
            ],
        ),
        frame("customer_id string, churned int", [("left", 1), ("stayed", 0), ("warned", 1)]),
        frame(
            "gold.risk_factors",
            [factor(2, "city", None, "decrease"), factor(1, "recency_days", "9", "increase")],
        ),
        features=frame(
            "customer_id string, recency_days bigint, stars double, city string",
            [("left", 9, None, None), ("stayed", None, None, None)],
        ),
        ends=frame("customer_id string, left_on date", [("left", LEFT)]),
        model_features=["recency_days", "stars", "city"],
        ended="purchases",
    )


def test_a_leaver_with_what_was_known(leavers, rows_of):
    # Of two safe customers one left. Wilson: z2 = 3.8415, middle .5, reach
    # 1.96 / (1 + z2 / 2) * sqrt(.25 / 2 + z2 / 16) = .4055
    assert rows_of(leavers) == [
        {
            "as_of": AS_OF,
            "customer_id": "left",
            "churn_probability": 0.2,
            "risk_level": "LOW",
            "left_on": LEFT,
            "ended": "purchases",
            "top_factors": "recency_days = 9 (increase); city = unknown (decrease)",
            "null_features": "stars, city",
            "promised_rate": pytest.approx((0.2 + 0.1) / 2),
            "rate": 0.5,
            "ci_low": pytest.approx(0.5 - 0.4055, abs=1e-4),
            "ci_high": pytest.approx(0.5 + 0.4055, abs=1e-4),
        }
    ]


def test_the_last_day_of_purchase(frame, tuples_of):
    days = frame("customer_id string, day date", [("c", LEFT), ("c", dt.date(2025, 12, 1))])
    assert tuples_of(last_purchases(days)) == [("c", LEFT)]
