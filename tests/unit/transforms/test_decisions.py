"""The inputs of decisions, and the sums of a plan with held-out customers."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms import decisions as d

AS_OF = dt.date(2026, 1, 1)
DECISIONS = (
    "as_of date, customer_id string, offer_id string, is_held_out boolean, "
    "expected_gain double, expected_cost double"
)


def test_a_plan_counts_sent_and_held_out_customers_apart(frame, tuples_of):
    """Offer ten: three customers are sent it, one is held out. Offer gift: both are held out.

    Sums of gain and cost include the held-out, because they are of the decisions before the draw.
    """
    decisions = frame(
        DECISIONS,
        [
            (AS_OF, "a", "ten", False, 17.0, 3.0),
            (AS_OF, "b", "ten", False, 5.0, 1.0),
            (AS_OF, "c", "ten", False, 2.0, 1.0),
            (AS_OF, "d", "ten", True, 10.0, 2.0),
            (AS_OF, "e", "gift", True, 4.0, 5.0),
            (AS_OF, "f", "gift", True, None, None),
            (AS_OF, "g", None, False, None, None),
        ],
    )
    plan = d.offer_plan(decisions, 50.0, "money", shadow_price=0.7)
    sums = ("offer_id", "customers", "held_out", "expected_gain", "expected_cost")
    assert tuples_of(plan, *sums) == [
        ("gift", 0, 2, 4.0, 5.0),
        ("ten", 3, 1, 17.0 + 5.0 + 2.0 + 10.0, 3.0 + 1.0 + 1.0 + 2.0),
    ]


# (tenure_days, revenue_365d, revenue per year).
REVENUES = [
    (0, 60.0, 60.0 * 365 / 30),
    (10, 60.0, 60.0 * 365 / 30),  # below 30 days counts as 30
    (30, 60.0, 60.0 * 365 / 30),
    (100, 60.0, 60.0 * 365 / 100),
    (364, 60.0, 60.0 * 365 / 364),
    (365, 60.0, 60.0),
    (1_000, 60.0, 60.0),
    (None, 60.0, 60.0),  # an unknown tenure is not scaled
    (100, 0.0, 0.0),
    (100, None, None),
]


def test_revenue_of_a_tenure_below_a_year_is_scaled_up_to_a_year(frame, tuples_of):
    rows = frame(
        "customer_id string, tenure_days bigint, revenue_365d double",
        [(f"c{n}", tenure, revenue) for n, (tenure, revenue, _) in enumerate(REVENUES)],
    )
    scaled = rows.select("customer_id", d.revenue_a_year().alias("revenue_a_year"))
    per_customer = dict(tuples_of(scaled))
    for n, (tenure, _, expected) in enumerate(REVENUES):
        assert per_customer[f"c{n}"] == pytest.approx(expected), tenure


def test_unknown_values_fall_back_on_revenue_per_year(frame, rows_of):
    """Prospects and customers whose contract has ended get no decision."""
    segments = frame(
        "as_of date, customer_id string, lifecycle string, segment string, recency_days bigint, "
        "engagement_score double",
        [
            (AS_OF, name, lifecycle, "Loyal", 5, 0.5)
            for name, lifecycle in (
                ("known", "active"),
                ("new", "active"),
                ("unknown", "silent"),
                ("lost", "lost"),
                ("ended", "terminated"),
                ("visitor", "prospect"),
            )
        ],
    )
    scores = frame(
        "customer_id string, churn_probability double, value_at_stake double, clv_12m double, "
        "expected_purchases_30d double",
        [
            ("known", 0.2, 80.0, 70.0, 1.5),
            ("new", 0.4, None, None, None),
            ("lost", 0.9, None, 3.0, None),
        ],
    )
    transactions = frame(
        "customer_id string, total_orders bigint, total_revenue double, tenure_days bigint, "
        "revenue_365d double",
        [
            ("known", 9, 400.0, 800, 100.0),
            ("new", 1, 20.0, 73, 20.0),
            ("lost", 2, 50.0, 900, 0.0),
        ],
    )
    customers = frame("customer_id string, is_opted_out boolean", [("known", True), ("new", False)])
    people = d.people(segments, scores, transactions, customers=customers)
    rows = {row["customer_id"]: row for row in rows_of(people)}
    columns = ("value_at_stake", "clv_12m", "value_basis", "is_opted_out", "churn_probability")
    assert {name: tuple(row[c] for c in columns) for name, row in rows.items()} == {
        "known": (80.0, 70.0, "value_at_stake", True, 0.2),
        # 20 in 73 days, a fifth of a year.
        "new": (100.0, 100.0, "revenue_a_year", False, 0.4),
        "lost": (0.0, 3.0, "revenue_a_year", None, 0.9),
        "unknown": (None, None, None, None, None),
    }
    # Without a model, the orders so far per 30 days: 1 in 73 days; 2 in at least a year.
    purchases = {name: row["expected_purchases_30d"] for name, row in rows.items()}
    assert purchases == {
        "known": 1.5,
        "new": pytest.approx(1 * 30 / 73),
        "lost": pytest.approx(2 * 30 / 365),
        "unknown": None,
    }


@pytest.mark.parametrize("stakes", [(0.0, 0.0), (None, None), (None, 0.0)])
def test_a_company_whose_values_are_all_0_or_unknown_has_no_amounts(frame, tuples_of, stakes):
    columns = "customer_id string, value_at_stake double, clv_12m double, value_basis string"
    rows = [(f"c{n}", v, v, "value_at_stake") for n, v in enumerate(stakes)]
    assert tuples_of(d.without_amounts(frame(columns, rows))) == [
        ("c0", None, None, "expected_purchases"),
        ("c1", None, None, "expected_purchases"),
    ]
    known = [*rows, ("c2", -5.0, 0.0, "revenue_a_year")]
    assert tuples_of(d.without_amounts(frame(columns, known))) == known
