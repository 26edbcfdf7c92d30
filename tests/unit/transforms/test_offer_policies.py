"""Options in the order of a policy, dates and rules of customers, and the value of a comparison."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms.offer_policies import (
    mean_retention,
    policy_options,
    with_factor_rule,
    with_timing_and_barrier,
    with_value,
    without_rule,
)
from transforms.offers import Offer

D = dt.date
TEN = Offer("ten", 0.1, None, True, 60, None, None, True)
GIFT = Offer("gift", None, 5.0, False, 0, None, None, True)
OPTIONS = (
    "customer_id string, churn_probability double, gain_ten double, cost_ten double, "
    "gain_gift double, cost_gift double"
)


def test_policies_by_gain_leave_the_options_unchanged(frame, tuples_of):
    rows = [("c1", 0.5, 3.0, 1.0, 4.0, 5.0)]
    options = frame(OPTIONS, rows)
    for policy in ("uplift", "rules"):
        same = policy_options(options, [TEN, GIFT], policy, offer_id=None, is_money=False)
        assert tuples_of(same) == rows


@pytest.mark.parametrize(
    ("policy", "is_money", "gain"),
    [
        ("by_risk", False, 0.5),
        # The priority per unit of money, so that a cheap customer does not come first.
        ("by_risk", True, 0.5 * 2.0),
        ("treat_all", False, 1.0),
    ],
)
def test_a_policy_with_a_priority_gives_its_only_offer(frame, rows_of, policy, is_money, gain):
    options = frame(OPTIONS, [("c1", 0.5, 3.0, 2.0, 4.0, 5.0)])
    ranked = policy_options(options, [TEN, GIFT], policy, offer_id="ten", is_money=is_money)
    (row,) = rows_of(ranked)
    assert (row["gain_ten"], row["cost_ten"], row["worth_ten"]) == (gain, 2.0, 3.0)
    assert (row["gain_gift"], row["cost_gift"], row["worth_gift"]) == (None, None, 4.0)


def test_the_send_date_and_the_barrier_follow_from_the_past_contacts(frame, tuples_of):
    customers = frame(
        "customer_id string, as_of date, likely_churn_date date, is_opted_out boolean, "
        "lifecycle string, churn_prediction int",
        [
            ("free", D(2026, 1, 1), D(2026, 2, 1), False, "active", 0),
            ("contacted", D(2026, 1, 1), None, False, "silent", 1),
            ("opted_out", D(2026, 1, 1), None, True, "active", 1),
        ],
    )
    contacts = frame(
        "customer_id string, offer_id string, contacted_on date",
        [("contacted", "gift", D(2025, 12, 20)), ("free", "ten", D(2025, 11, 1))],
    )
    rows = with_timing_and_barrier(
        customers,
        contacts,
        [TEN, GIFT],
        send_days_before=14,
        period_days=30,
        cooling_off_days=30,
    )
    assert tuples_of(rows, "customer_id", "send_on", "barrier", "last_on_ten", "last_on_gift") == [
        ("contacted", D(2026, 1, 2), "cooling_off", None, D(2025, 12, 20)),
        # 14 days before 1 February; the last contact is 78 days before it.
        ("free", D(2026, 1, 18), None, D(2025, 11, 1), None),
        ("opted_out", D(2026, 1, 2), "opted_out", None, None),
    ]


def test_a_customer_without_risk_factors_has_the_default_rule(frame, tuples_of):
    customers = frame(
        "customer_id string, churn_probability double, total_orders int",
        [("known", 0.9, 30), ("unknown", 0.9, 20)],
    )
    factors = frame(
        "customer_id string, feature string, impact double", [("known", "tickets_90d", 0.4)]
    )
    names = {
        "recency": ["recency_days"],
        "order_value": ["average_order_value"],
        "support_tickets": ["tickets_90d"],
        "feature_usage": ["features_used"],
    }
    ruled = with_factor_rule(customers, factors, names, high_risk_from=0.6, many_orders=20)
    assert tuples_of(ruled, "customer_id", "rule", "rule_offer") == [
        ("known", "support_tickets", "personal_manager"),
        ("unknown", "default", "discount_10"),
    ]


def test_the_value_is_the_revenue_per_year_and_0_where_it_is_unknown(frame, tuples_of):
    columns = "customer_id string, total_orders int, revenue_365d double, tenure_days int"
    rows = frame(columns, [("a", 3, 120.0, 400), ("b", 1, 10.0, 73), ("c", 0, None, None)])
    valued = with_value(rows)
    # A tenure of 73 days is a fifth of a year.
    assert tuples_of(valued) == [("a", 3, 120.0), ("b", 1, 10.0 * 5), ("c", 0, 0.0)]
    assert tuples_of(without_rule(valued))[0] == ("a", 120.0, None)


def test_the_mean_retention_is_one_less_the_mean_churn_probability(frame):
    scores = frame("customer_id string, churn_probability double", [("a", 0.1), ("b", 0.5)])
    assert mean_retention(scores).collect()[0]["retention"] == pytest.approx((0.9 + 0.5) / 2)
    assert mean_retention(scores.where("customer_id = 'c'")).collect()[0]["retention"] is None
