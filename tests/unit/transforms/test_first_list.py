"""The list that a person sees first: its source, its order, and what its customers have at risk."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms import first_list

DAY, LATER = dt.date(2026, 1, 2), dt.date(2026, 1, 20)
CUSTOMER = "customer_id string, churn_probability double, at_stake double, at_risk double"
WANTED = (
    "customer_id string, priority double, offer_id string, send_on date, why string, cost double, "
    "value_kept double, effect double, effect_basis string"
)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([(None, None), (10.0, 2.0)], (True, True)),
        ([(None, 2.0), (0.0, None)], (False, True)),  # no amounts
        ([(None, 0.0), (-5.0, None)], (False, False)),
        ([], (False, False)),
    ],
)
def test_what_a_company_has_at_stake(frame, rows_of, values, expected):
    columns = ("value_at_stake", "expected_purchases_30d")
    scores = frame("value_at_stake double, expected_purchases_30d double", values)
    (row,) = rows_of(first_list.known_stakes(scores, columns))
    assert tuple(row[c] for c in columns) == expected


@pytest.mark.parametrize(
    ("stake", "expected"),
    [
        ("value_at_stake", {"a": (80.0, 0.5 * 80), "b": (0.0, 0.0)}),
        ("expected_purchases_30d", {"a": (3.0, 0.5 * 3), "b": (2.0, 0.25 * 2)}),
        (None, {"a": (None, None), "b": (None, None)}),
    ],
)
def test_the_amount_at_risk_is_the_probability_times_the_stake(frame, rows_of, stake, expected):
    scores = frame(
        "customer_id string, churn_probability double, risk_level string, "
        "recommended_actions string, score_basis string, value_at_stake double, "
        "expected_purchases_30d double",
        [
            ("a", 0.5, "HIGH", None, "model", 80.0, 3.0),
            ("b", 0.25, "LOW", None, "model", -8.0, 2.0),
        ],
    )
    segments = frame(
        "customer_id string, lifecycle string, segment string, segment_group string, "
        "recency_days int",
        [(c, "active", "Champions", "High-value", 5) for c in "abz"],
    )
    rows = rows_of(first_list.scored_customers(scores, segments, stake))
    assert {r["customer_id"]: (r["at_stake"], r["at_risk"]) for r in rows} == expected


def test_the_offers_that_are_sent_now_are_the_list(frame, rows_of):
    """Neither the control group, nor later offers, nor customers without an offer."""
    plain = {"send_on": DAY, "why": "because", "expected_gain": 5.0, "is_held_out": False}
    plain |= {"expected_cost": 3.0, "effect": 0.1, "effect_basis": "experiment"}
    decisions = frame(
        "customer_id string, offer_id string, send_on date, why string, expected_gain double, "
        "expected_cost double, effect double, effect_basis string, is_held_out boolean, timing string",
        [
            {**plain, "customer_id": "now", "offer_id": "ten", "timing": "now"},
            {**plain, "customer_id": "soon", "offer_id": "ten", "timing": "in_period"},
            {**plain, "customer_id": "later", "offer_id": "ten", "timing": "later"},
            {**plain, "customer_id": "none", "offer_id": None, "timing": "never"},
            {**plain, "customer_id": "control", "offer_id": "ten", "timing": "now"}
            | {"is_held_out": True},
            {**plain, "customer_id": "no amount", "offer_id": "ten", "timing": "now"}
            | {"expected_gain": None},
        ],
    )
    rows = rows_of(first_list.decided(decisions))
    assert {r["customer_id"]: r["priority"] for r in rows} == {
        "now": 5.0,
        "soon": 5.0,
        "no amount": first_list.LOWEST,
    }
    assert {(r["offer_id"], r["send_on"], r["why"]) for r in rows} == {("ten", DAY, "because")}
    # The gain is net of the cost.
    kept = {r["customer_id"]: (r["cost"], r["value_kept"], r["effect"]) for r in rows}
    assert kept["now"] == (3.0, 5.0 + 3.0, 0.1)
    assert kept["no amount"] == (3.0, None, 0.1)
    assert {r["effect_basis"] for r in rows} == {"experiment"}


def test_the_plan_of_one_strategy_is_the_list_where_nothing_was_decided(frame, rows_of):
    plan = frame(
        "customer_id string, strategy string, rank bigint, is_chosen boolean, offer_id string, "
        "send_on date, why string, expected_value_kept double, cost double",
        [
            ("a", "net_value", 2, True, "ten", LATER, "x", 9.0, 2.0),
            ("b", "net_value", 1, True, "ten", DAY, "y", 10.0, 1.0),
            ("c", "net_value", 3, False, "ten", None, "z", 1.0, 1.0),
            ("d", "random", 1, True, "ten", DAY, "w", 1.0, 1.0),
        ],
    )
    columns = ("customer_id", "priority", "send_on", "cost", "value_kept", "effect", "effect_basis")
    rows = rows_of(first_list.planned(plan, "net_value"), *columns)
    assert [tuple(r.values()) for r in rows] == [
        ("a", -2.0, LATER, 2.0, 9.0, None, "assumed"),
        ("b", -1.0, DAY, 1.0, 10.0, None, "assumed"),
    ]


def test_the_first_are_in_order_of_priority_then_risk_then_probability_then_id(frame):
    customers = frame(
        CUSTOMER,
        [
            ("first", 0.1, 10.0, 1.0),
            ("more at risk", 0.2, 100.0, 20.0),
            ("likelier", 0.6, 10.0, 6.0),
            ("id a", 0.3, 20.0, 6.0),
            ("id b", 0.3, 20.0, 6.0),
            ("not on the list", 0.9, 900.0, 810.0),
        ],
    )
    priorities = {"first": 9.0, "more at risk": 1.0, "likelier": 1.0, "id a": 1.0, "id b": 1.0}
    wanted = frame(
        WANTED, [(c, p, "ten", DAY, "x", 1.0, 2.0, None, None) for c, p in priorities.items()]
    )

    def order(most):
        rows = first_list.first_to_contact(wanted, customers, most).collect()
        return [r["customer_id"] for r in rows]

    assert order(9) == ["first", "more at risk", "likelier", "id a", "id b"]
    assert order(None) == order(9)
    assert order(4) == ["first", "more at risk", "likelier", "id a"]


def test_without_a_plan_and_without_amounts_the_probability_decides_before_the_id(frame, rows_of):
    customers = frame(CUSTOMER, [("a", 0.2, None, None), ("b", 0.9, None, None)])
    wanted = first_list.by_risk(customers)
    rows = first_list.first_to_contact(wanted, customers, 9).collect()
    assert [r["customer_id"] for r in rows] == ["b", "a"]
    assert {r["offer_id"] for r in rows} == {None}
    (totals,) = rows_of(first_list.list_totals(wanted, customers))
    assert (totals["customers"], totals["at_risk"]) == (2, None)


def test_totals_are_those_of_the_whole_list(frame, rows_of):
    """Customer a keeps .25 by its effect; b keeps 1 of 5, a fifth."""
    customers = frame(
        CUSTOMER, [("a", 0.5, 80.0, 40.0), ("b", 0.5, 5.0, 2.5), ("c", 0.5, 80.0, 40.0)]
    )
    listed = [("a", 1.0, "ten", DAY, "x", 2.0, 8.0, 0.25, "experiment")]
    listed += [("b", 1.0, "ten", LATER, "x", 1.5, 1.0, None, "assumed")]
    (totals,) = rows_of(first_list.list_totals(frame(WANTED, listed), customers))
    assert totals == {
        "customers": 2,
        "measured": 1,
        "at_risk": 40 + 2.5,
        "cost": 2 + 1.5,
        "value_kept": 8.0 + 1.0,
        "kept": 0.25 + 1 / 5,
        "first_on": DAY,
        "last_on": LATER,
    }


def test_the_factors_are_those_that_raise_the_risk_strongest_first(frame, rows_of):
    """The second factor of a lowers the risk; the factors of z belong to nobody on the list."""
    factors = frame(
        "customer_id string, rank int, feature string, value string, impact double",
        [
            ("a", 3, "revenue_30d", None, 0.1),
            ("a", 2, "total_orders", "90", -0.4),
            ("a", 1, "recency_days", "45", 0.8),
            ("z", 1, "recency_days", "9", 0.7),
        ],
    )
    rows = frame("customer_id string", [("a",), ("b",)])
    assert rows_of(first_list.with_rising_factors(rows, factors, 2)) == [
        {
            "customer_id": "a",
            "feature_1": "recency_days",
            "value_1": "45",
            "feature_2": "revenue_30d",
            "value_2": None,
        },
        dict.fromkeys(("feature_1", "value_1", "feature_2", "value_2")) | {"customer_id": "b"},
    ]
