"""Rules, barriers, send dates and costs of offers, row by row."""

from __future__ import annotations

import datetime as dt
from itertools import count

import pytest
from pyspark.sql import functions as F

from transforms import decisions as d, offers as o
from transforms.allocation import NONE
from transforms.send_dates import with_barrier

D = dt.date
AS_OF = D(2026, 1, 1)
NUMBERS = count()
TEN = o.Offer("ten", 0.1, None, True, 60, None, None, True)
GIFT = o.Offer("gift", None, 5.0, False, 0, None, "total_orders > 20", True)
SURVEY = o.Offer("survey", 0.01, None, False, 180, None, "lifecycle = 'lost'", False)


def frame(session, ddl, *rows):
    return session.createDataFrame([tuple(r) for r in rows], ddl)


def values(rows, *columns):
    collected = rows.orderBy("customer_id").select(*columns).collect()
    return [tuple(r[c] for c in columns) for r in collected]


FLAGS = (
    "customer_id string, churn_probability double, total_orders bigint, is_recency_up boolean, "
    "is_order_value_down boolean, is_support_tickets_up boolean, is_feature_usage_down boolean"
)


def test_the_first_rule_that_fires_decides(session):
    rows = frame(
        session,
        FLAGS,
        ("a", 0.59, 30, True, True, True, True),  # all rules apply: the first is used
        ("b", 0.60, 30, True, True, False, False),  # at 0.6 the larger discount
        ("c", 0.90, 30, True, False, True, True),  # recency alone is not enough
        ("d", 0.90, 30, False, True, False, True),
        ("e", 0.90, 21, False, False, False, False),
        ("f", 0.90, 20, False, False, False, False),  # 20 orders are not more than 20
        ("g", 0.90, None, None, None, None, None),  # no factors known
    )
    assert values(o.with_rule(rows, 0.6, 20), "customer_id", "rule", "rule_offer") == [
        ("a", "recency_and_order_value", "discount_10"),
        ("b", "recency_and_order_value", "discount_20"),
        ("c", "support_tickets", "personal_manager"),
        ("d", "feature_usage", "feature_unlock"),
        ("e", "many_orders", "loyalty_bonus"),
        ("f", "default", "discount_10"),
        ("g", "default", "discount_10"),
    ]


def test_a_factor_is_up_or_down_by_the_sign_of_its_impact(session):
    factors = frame(
        session,
        "customer_id string, feature string, impact double",
        ("a", "recency_days", 0.5),
        ("a", "avg_order_value", -0.1),
        ("b", "recency_days", -0.5),
        ("b", "plan", 0.9),
        ("c", "recency_days", 0.0),
    )
    names = {"recency": ["recency_days"], "value": ["avg_order_value"]}
    flags = ("is_recency_up", "is_recency_down", "is_value_up", "is_value_down")
    assert values(o.factor_flags(factors, names), "customer_id", *flags) == [
        ("a", True, False, False, True),
        ("b", False, True, False, False),
        ("c", False, False, False, False),
    ]


PERSON = (
    "customer_id string, send_on date, is_opted_out boolean, last_on date, last_on_ten date, "
    "last_on_gift date, lifecycle string, total_orders bigint, clv_12m double, "
    "value_at_stake double, effect_ten double, effect_gift double, timing string, "
    "value_basis string, expected_purchases_30d double"
)


def person(name, **changes):
    row = {
        "send_on": D(2026, 1, 2),
        "is_opted_out": False,
        "last_on": None,
        "last_on_ten": None,
        "last_on_gift": None,
        "lifecycle": "active",
        "total_orders": 30,
        "clv_12m": 200.0,
        "value_at_stake": 100.0,
        "effect_ten": 0.2,
        "effect_gift": 0.1,
        "timing": "now",
        "value_basis": "value_at_stake",
        "expected_purchases_30d": 2.0,
        **changes,
    }
    return (name, *row.values())


def test_gain_and_cost_of_those_who_may_get_an_offer(session):
    rows = frame(
        session,
        PERSON,
        person("a"),
        person("b", is_opted_out=True),
        person("c", last_on=D(2025, 12, 4)),  # 29 days before the day of sending
        person("d", last_on=D(2025, 12, 3)),  # 30: may be contacted again
        person("e", last_on=D(2025, 11, 4), last_on_ten=D(2025, 11, 4)),  # 59 of 60 days
        person("f", total_orders=20),  # does not meet the condition of gift
        person("g", effect_ten=0.0, effect_gift=-0.1),  # no effect and a harmful one
        person("h", effect_ten=None, effect_gift=None),
        person("i", value_at_stake=None),
        person("j", value_at_stake=-50.0),
        person("k", lifecycle="lost"),
        person("l", timing="later"),
        person("m", value_basis="expected_purchases", value_at_stake=None),
    )
    priced = o.with_costs_and_gains(with_barrier(rows, 30), [TEN, GIFT], 0.3)
    # ten: 0.1 of 100, redeemed by 3 in 10: 3; 0.2 * 100 - 3 = 17. gift: 0.1 * 100 - 5 = 5.
    expected = {
        "a": (None, 3.0, 17.0, 5.0, 5.0),
        "b": ("opted_out", None, None, None, None),
        "c": ("cooling_off", None, None, None, None),
        "d": (None, 3.0, 17.0, 5.0, 5.0),
        "e": (None, None, None, 5.0, 5.0),
        "f": (None, 3.0, 17.0, None, None),
        "g": (None, None, None, None, None),
        "h": (None, None, None, None, None),
        "i": (None, None, None, 5.0, None),
        "j": (None, 0.0, -10.0, 5.0, -10.0),
        "k": (None, None, None, 5.0, 5.0),
        "l": ("later", None, None, None, None),
        # Without amounts the gain is in purchases: 0.2 x 2 and 0.1 x 2.
        "m": (None, None, 0.4, 5.0, 0.2),
    }
    columns = ("customer_id", "barrier", "cost_ten", "gain_ten", "cost_gift", "gain_gift")
    for name, *got in values(priced, *columns):
        assert tuple(got) == pytest.approx(expected[name]), name


def test_a_policy_by_risk_ranks_one_offer_and_gives_the_gains_back(session):
    rows = frame(session, PERSON, person("a"), person("b", effect_ten=-0.1), person("c"))
    rows = rows.select("*", F.lit(0.7).alias("churn_probability"))
    options = o.with_costs_and_gains(with_barrier(rows, 30), [TEN, GIFT], 0.3)
    ranked = o.ranked_by(options, [TEN, GIFT], "ten", priority=F.col("churn_probability"))
    # ten: 3 and 17 as above. The effect on b is negative, and gift is not the offer of the policy.
    wanted = [(3.0, 0.7, None), (None, None, None), (3.0, 0.7, None)]
    assert values(ranked, "cost_ten", "gain_ten", "gain_gift") == wanted
    for_money = o.ranked_by(
        options, [TEN, GIFT], "ten", priority=F.col("churn_probability"), is_money=True
    )
    assert values(for_money, "gain_ten")[0] == (pytest.approx(0.7 * 3.0),)
    back = o.with_worth_as_gain(ranked, [TEN, GIFT])
    assert values(back, "gain_ten", "gain_gift") == [(17.0, 5.0), (None, 5.0), (17.0, 5.0)]
    nobody = o.ranked_by(options, [TEN, GIFT], None, priority=F.lit(1.0))
    assert values(nobody, "gain_ten", "gain_gift") == [(None, None)] * 3


def test_an_effect_is_assumed_for_the_offer_of_the_rule_alone(session):
    rows = frame(
        session,
        "customer_id string, churn_probability double, rule_offer string",
        ("a", 0.5, "ten"),
    )
    assumed = o.assumed_effects(rows, [TEN, GIFT], 0.2)
    assert values(assumed, "effect_ten", "effect_gift") == [(0.1, None)]


def test_measured_effects_stand_beside_each_other(session):
    rows = frame(session, "customer_id string", ("a",), ("b",))
    effects = frame(
        session,
        "customer_id string, offer_id string, effect double",
        ("a", "ten", 0.1),
        ("a", "gift", -0.2),
    )
    measured = o.measured_effects(rows, effects, [TEN, GIFT])
    assert values(measured, "customer_id", "effect_ten", "effect_gift") == [
        ("a", 0.1, -0.2),
        ("b", None, None),
    ]


DECIDED = (
    "as_of date, customer_id string, choice string, barrier string, lifecycle string, rule string, "
    "send_on date, last_on_ten date, last_on_survey date, total_orders bigint, clv_12m double, "
    "value_at_stake double, value_basis string, effect_ten double, cost_ten double, "
    "gain_ten double, timing string, expected_purchases_30d double"
)


def decided_row(
    name, choice=NONE, barrier=None, lifecycle="active", cost=3.0, gain=17.0, timing="now"
):
    return (
        AS_OF,
        name,
        choice,
        barrier,
        lifecycle,
        "default",
        D(2026, 1, 2),
        None,
        None,
        3,
        200.0,
        100.0,
        "revenue_a_year",
        0.2,
        cost,
        gain,
        timing,
        2.0,
    )


@pytest.fixture
def decided(session):
    rows = frame(
        session,
        DECIDED,
        decided_row("a", "ten"),
        decided_row("b"),  # a gain, but no budget left
        decided_row("c", gain=-1.0),
        decided_row("d", cost=None, gain=None),
        decided_row("e", barrier="opted_out", cost=None, gain=None),
        decided_row("f", lifecycle="lost", cost=None, gain=None, timing="never"),
        decided_row("g", barrier="cooling_off", cost=None, gain=None),
        decided_row("h", barrier="later", cost=None, gain=None, timing="later"),
        decided_row("i", "ten", timing="in_period"),
    )
    return d.offer_decisions(
        rows, [TEN, SURVEY], "rules", campaign_id="plan-x", redemption_rate=0.3
    )


def test_every_customer_has_an_offer_or_a_reason(decided):
    columns = ("customer_id", "offer_id", "expected_gain", "expected_cost", "no_offer_reason")
    assert values(decided, *columns) == [
        ("a", "ten", 17.0, 3.0, None),
        ("b", None, None, None, "budget"),
        ("c", None, None, None, "no_gain"),
        ("d", None, None, None, "not_eligible"),
        ("e", None, None, None, "opted_out"),
        # A hundredth of 100; outside the budget, without an effect.
        ("f", "survey", None, 1.0, None),
        ("g", None, None, None, "cooling_off"),
        ("h", None, None, None, "later"),
        ("i", "ten", 17.0, 3.0, None),
    ]


def test_the_timing_of_a_decision_fits_its_offer(decided):
    """h: the day is that on which an offer is planned so far. f gets one outside the budget."""
    day = D(2026, 1, 2)
    assert values(decided, "customer_id", "timing", "send_on") == [
        ("a", "now", day),
        ("b", "now", None),
        ("c", "now", None),
        ("d", "never", None),
        ("e", "never", None),
        ("f", "now", day),
        ("g", "later", None),
        ("h", "later", day),
        ("i", "in_period", day),
    ]


def test_without_amounts_a_decision_names_risk_and_purchases(session):
    row = list(decided_row("a", "ten", cost=None, gain=0.4))
    names = [part.split(" ")[0] for part in DECIDED.split(", ")]
    row[names.index("value_at_stake")] = None
    row[names.index("value_basis")] = "expected_purchases"
    rows = d.offer_decisions(
        frame(session, DECIDED, row), [TEN], "rules", campaign_id="plan-x", redemption_rate=0.3
    )
    assert values(rows, "offer_id", "expected_gain", "expected_cost", "why") == [
        (
            "ten",
            None,
            None,
            "ten lowers the churn probability by 20.0 percentage points (basis: assumed). "
            "Expected purchases in 30 days: 2.000; no amounts are known.",
        )
    ]


def test_the_sentence_names_the_quantities_that_decide(decided):
    whys = dict(values(decided, "customer_id", "why"))
    assert whys["a"] == (
        "ten lowers the churn probability by 20.0 percentage points (basis: assumed). "
        "Value at stake: 100; expected gain after a cost of 3: 17."
    )
    assert whys["b"] == (
        "No offer: the budget is better spent on other customers. Value at stake: 100."
    )
    assert whys["f"] == "survey is outside the budget; no effect is assumed."


def test_the_arms_of_a_plan_are_those_of_offers_with_an_effect(session):
    rows = frame(
        session,
        "campaign_id string, customer_id string, offer_id string, is_held_out boolean, "
        "effect double",
        *[("p", name, "ten", name == "c", 0.1) for name in "abc"],
        ("p", "d", "five", True, 0.1),
        ("p", "e", "survey", False, None),
        ("p", "f", None, False, None),
    )
    columns = ("offer_id", "is_treated", "customers", "policy")
    assert sorted(tuple(r[c] for c in columns) for r in d.plan_arms(rows).collect()) == [
        ("five", False, 1, "personalised"),
        ("ten", False, 1, "personalised"),
        ("ten", True, 2, "personalised"),
    ]


def test_the_plan_sums_what_was_decided(decided):
    power = [{"offer_id": "ten", "detectable": 0.25, "needed": 800}]
    plan = d.offer_plan(decided, 50.0, "money", shadow_price=0.7, power=power).orderBy("offer_id")
    columns = (
        "offer_id",
        "customers",
        "held_out",
        "expected_gain",
        "expected_cost",
        "shadow_price",
        "minimum_detectable_effect",
        "customers_needed",
    )
    assert [tuple(r[c] for c in columns) for r in plan.collect()] == [
        ("survey", 1, 0, 0.0, 1.0, 0.7, None, None),
        ("ten", 2, 0, 17.0 + 17.0, 3.0 + 3.0, 0.7, 0.25, 800),
    ]
