"""Ranks, budgets, sentences and the comparison of strategies, on four customers."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms.offers import Offer
from transforms.retention_plan import (
    AssumedOffer,
    Budget,
    lost_customers,
    ranked,
    retention_plan,
    strategy_comparison,
    value_kept,
    with_choice,
    with_expectations,
)

NOW = dt.date(2018, 1, 1)
SCORES = (
    "as_of date, customer_id string, churn_probability double, p_alive double, "
    "expected_purchases_30d double, clv_12m double, value_at_stake double, likely_churn_date date"
)
# Effect 1/5. Costs 1/10 of the value at stake when redeemed, redeemed by half: cost is 1/20 of it.
DISCOUNT = Offer("discount_10", 0.1, None, True, 0, None, None, True)
OFFER = AssumedOffer(DISCOUNT, effect=0.2, redeemed_share=0.5)
STRATEGIES = ("churn_probability", "p_alive", "clv_at_risk", "net_value", "random")

# value_at_risk: small 72, big 400, safe 50, poor 0.2.
# kept (x 0.2): 14.4, 80, 10, 0.04; cost (/ 20): 4, 50, 50, 0.05; net: 10.4, 30, -40, -0.01.
ROWS = [
    (NOW, "small", 0.9, 0.30, 0.2, 30.0, 80.0, dt.date(2018, 1, 20)),
    (NOW, "big", 0.4, 0.60, 3.0, 900.0, 1000.0, None),
    (NOW, "safe", 0.05, 0.99, 9.0, 1000.0, 1000.0, dt.date(2018, 1, 5)),
    (NOW, "poor", 0.2, 0.40, 0.5, 10.0, 1.0, dt.date(2019, 1, 1)),
]
ORDERS = {
    "churn_probability": ["small", "big", "poor", "safe"],
    "p_alive": ["small", "poor", "big", "safe"],
    "clv_at_risk": ["big", "small", "safe", "poor"],
    "net_value": ["big", "small", "poor", "safe"],
}


@pytest.fixture
def plan_of(frame):
    def plan(rows=ROWS, strategies=STRATEGIES, share=0.5, money=None, offer=OFFER):
        expected = with_expectations(frame(SCORES, rows), offer)
        return with_choice(ranked(expected, strategies, 30), Budget(len(rows), share, money))

    return plan


def by_rank(rows, strategy):
    return sorted((r for r in rows if r["strategy"] == strategy), key=lambda r: r["rank"])


@pytest.mark.parametrize("strategy", ORDERS)
def test_a_strategy_ranks_by_its_quantity(strategy, plan_of, rows_of):
    plan = by_rank(rows_of(plan_of(strategies=[strategy])), strategy)
    assert [r["customer_id"] for r in plan] == ORDERS[strategy]
    assert [r["rank"] for r in plan] == [1, 2, 3, 4]


def test_expectations_are_effect_times_value_less_cost(frame, rows_of):
    by_customer = {
        r["customer_id"]: r for r in rows_of(with_expectations(frame(SCORES, ROWS), OFFER))
    }
    assert by_customer["big"]["value_at_risk"] == pytest.approx(0.4 * 1000)
    assert by_customer["big"]["expected_value_kept"] == pytest.approx(0.2 * 400)
    assert by_customer["big"]["cost"] == pytest.approx(0.5 * 0.1 * 1000)
    assert by_customer["big"]["net_value"] == pytest.approx(80 - 50)
    gift = Offer("gift", None, 3.0, True, 0, None, None, True)
    money = AssumedOffer(gift, effect=0.2, redeemed_share=1.0)
    rows = rows_of(with_expectations(frame(SCORES, ROWS), money))
    assert {r["cost"] for r in rows} == {3.0}


def test_a_share_of_what_a_stayer_brings_costs_no_less_for_a_long_silence(frame, rows_of):
    """Both bring 100 if they stay. The silent customer's clv_12m is a twentieth of the other's."""
    rows = [
        (NOW, "buys", 0.3, 0.9, 2.0, 95.0, 100.0, None),
        (NOW, "silent", 0.3, 0.1, 0.1, 5.0, 100.0, None),
    ]
    expectations = rows_of(with_expectations(frame(SCORES, rows), OFFER))
    assert [r["cost"] for r in expectations] == pytest.approx([5.0, 5.0])
    assert [r["net_value"] for r in expectations] == pytest.approx([1.0, 1.0])


def test_a_share_chooses_the_first_and_net_value_nobody_at_a_loss(plan_of, rows_of):
    plan = rows_of(plan_of(share=0.75))
    chosen = {s: [r["customer_id"] for r in by_rank(plan, s) if r["is_chosen"]] for s in ORDERS}
    assert chosen["churn_probability"] == ["small", "big", "poor"]
    assert chosen["net_value"] == ["big", "small"]
    assert sum(r["is_chosen"] for r in by_rank(plan, "random")) == 3


def test_money_buys_from_the_top_down(plan_of, rows_of):
    """Costs in the order of churn_probability: 4, 50, 0.05, 50."""
    plan = rows_of(plan_of(share=None, money=54.0))
    first = by_rank(plan, "churn_probability")
    assert [r["is_chosen"] for r in first] == [True, True, False, False]
    plan = rows_of(plan_of(share=None, money=54.06))
    first = by_rank(plan, "churn_probability")
    assert [r["is_chosen"] for r in first] == [True, True, True, False]


def test_the_sentence_names_what_decided(plan_of, rows_of):
    plan = rows_of(plan_of())
    said = {s: by_rank(plan, s)[0]["why"] for s in STRATEGIES}
    assert said["churn_probability"] == (
        "Churn probability within 30 days: 90.0 %; value at stake over 12 months: 80.00."
    )
    assert said["p_alive"] == "P(alive): 30.0 %; value at stake over 12 months: 80.00."
    assert said["clv_at_risk"] == (
        "Churn probability within 30 days: 40.0 %; value at stake over 12 months: 1000.00; "
        "value at risk: 400.00."
    )
    assert said["net_value"] == "The offer is expected to keep 80.00 and to cost 50.00."
    assert said["random"] == "Random order: neither risk nor value is used."


@pytest.mark.parametrize("strategy", [s for s in STRATEGIES if s != "random"])
@pytest.mark.parametrize("place", [2, 6])
def test_the_sentence_changes_with_either_quantity(strategy, place, plan_of, rows_of):
    """Risk (with P(alive)) and value are changed separately."""
    before = ROWS[1]
    after = list(before)
    after[place] = before[place] * 1.1
    if strategy == "p_alive" and place == 2:
        after[3] = before[3] * 1.1
    why = [rows_of(plan_of([row], [strategy]), "why")[0]["why"] for row in (before, tuple(after))]
    assert why[0] != why[1]


def test_without_p_alive_the_strategy_says_so_and_takes_expected_purchases(plan_of, rows_of):
    rows = [(*r[:3], None, *r[4:]) for r in ROWS]
    plan = by_rank(rows_of(plan_of(rows, ["p_alive"])), "p_alive")
    assert [r["customer_id"] for r in plan] == ["small", "poor", "big", "safe"]
    assert plan[0]["why"] == (
        "P(alive) is not known; expected purchases in 30 days: 0.200; "
        "value at stake over 12 months: 80.00."
    )


def test_who_bought_once_is_ranked_by_expected_purchases(plan_of, rows_of):
    """P(alive) is unknown for big and safe: they have 3 and 0.35 expected purchases."""
    rows = [ROWS[0], (*ROWS[1][:3], None, *ROWS[1][4:]), (*ROWS[2][:3], None, 0.35, *ROWS[2][5:])]
    plan = by_rank(rows_of(plan_of(rows, ["p_alive"])), "p_alive")
    assert [r["customer_id"] for r in plan] == ["small", "safe", "big"]
    assert plan[1]["why"] == (
        "P(alive) is not known; expected purchases in 30 days: 0.350; "
        "value at stake over 12 months: 1000.00."
    )


def test_without_worth_risk_still_ranks_and_money_buys_nobody(plan_of, rows_of):
    rows = [(*r[:5], None, None, None) for r in ROWS]
    plan = rows_of(plan_of(rows))
    first = by_rank(plan, "churn_probability")
    assert [r["customer_id"] for r in first] == ORDERS["churn_probability"]
    assert first[0]["why"] == (
        "Churn probability within 30 days: 90.0 %; value at stake over 12 months: unknown."
    )
    assert not any(r["is_chosen"] for r in by_rank(plan, "net_value"))
    paid = rows_of(plan_of(rows, share=None, money=1e9))
    assert not any(r["is_chosen"] for r in paid)


def test_ties_are_broken_by_value_then_by_id(plan_of, rows_of):
    tied = [
        (NOW, name, 0.5, 0.5, 1.0, 10.0, stake, None)
        for name, stake in (("c", 10.0), ("b", 20.0), ("a", 10.0))
    ]
    ranked_rows = by_rank(rows_of(plan_of(tied)), "churn_probability")
    assert [r["customer_id"] for r in ranked_rows] == ["b", "a", "c"]


def test_it_is_sent_before_the_likely_day_but_not_before_tomorrow(plan_of, rows_of):
    plan = rows_of(retention_plan(plan_of(share=1.0), OFFER, 14))
    sent = {r["customer_id"]: r["send_on"] for r in plan if r["strategy"] == "clv_at_risk"}
    assert sent == {
        "small": dt.date(2018, 1, 6),  # 14 days before the 20th
        "big": dt.date(2018, 1, 2),  # no churn date is known
        "safe": dt.date(2018, 1, 2),  # the 5th is nearer than 14 days
        "poor": dt.date(2018, 12, 18),
    }
    nobody = rows_of(retention_plan(plan_of(share=0.25), OFFER, 14))
    assert {r["send_on"] for r in nobody if not r["is_chosen"]} == {None}
    assert {r["offer_id"] for r in nobody} == {"discount_10"}


def test_value_kept_counts_the_chosen_who_left(plan_of, frame, rows_of):
    labels = frame(
        "customer_id string, churned int", [("small", 1), ("big", 0), ("poor", 1), ("safe", 1)]
    )
    by_strategy = {r["strategy"]: r for r in rows_of(value_kept(plan_of(), labels, OFFER))}
    # p_alive chooses small and poor: 0.2 · (80 + 1); clv_at_risk chooses big (stays) and small.
    assert by_strategy["p_alive"]["value_kept"] == pytest.approx(16.2)
    assert by_strategy["clv_at_risk"]["value_kept"] == pytest.approx(16.0)
    # 16, 0, 0, 0: mean 4, sample variance (144 + 3 · 16) / 3 = 64, error sqrt(4 · 64) = 16.
    assert by_strategy["clv_at_risk"]["ci_high"] == pytest.approx(16 + 1.959964 * 16)
    assert by_strategy["clv_at_risk"]["ci_low"] == 0


def test_strategies_beside_each_other(plan_of, frame, rows_of):
    labels = frame("customer_id string, churned int", [("small", 1), ("big", 0)])
    plan = plan_of(share=0.5)
    kept = value_kept(plan, labels, OFFER)
    rows = rows_of(strategy_comparison(plan, kept, OFFER, as_of=NOW, budget=Budget(4, 0.5, None)))
    pairs = {(r["strategy"], r["other_strategy"]): r for r in rows}
    assert len(pairs) == len(STRATEGIES) ** 2
    pair = pairs["p_alive", "clv_at_risk"]
    # {small, poor} and {big, small}.
    assert (pair["chosen"], pair["shared"], pair["jaccard"]) == (2, 1, pytest.approx(1 / 3))
    assert pair["value_at_stake_covered"] == pytest.approx((72 + 0.2) / 522.2)
    # The third by P(alive) is big, which keeps 80.
    assert pair["next_1pct_value"] == pytest.approx(80)
    assert pair["value_kept"] == pytest.approx(16)
    own = pairs["net_value", "net_value"]
    assert (own["chosen"], own["shared"], own["jaccard"]) == (2, 2, 1)
    assert own["assumption"] == (
        "assumed in conf, not measured: discount_10 lowers the churn probability by 20.0% of its "
        "value and costs 10.0% of value_at_stake when redeemed; 50.0% redeem it"
    )


NEXT = {
    # The third in each order; for net_value it is poor, whose offer costs more than it keeps.
    (0.5, None): {
        "churn_probability": 0.04,
        "p_alive": 80.0,
        "clv_at_risk": 10.0,
        "net_value": 0.0,
    },
    # Costs so far: 4, 54, 54.05, 104.05; 4, 4.05, 54.05; 50, 54, 104; 50, 54. 1 % more is 54.06.
    (None, 53.53): {
        "churn_probability": 80.0 + 0.04,
        "p_alive": 80.0,
        "clv_at_risk": 14.4,
        "net_value": 14.4,
    },
    # 54.54 adds only poor, third by churn_probability, and big, third by p_alive.
    (None, 54.0): {
        "churn_probability": 0.04,
        "p_alive": 80.0,
        "clv_at_risk": 0.0,
        "net_value": 0.0,
    },
    (1.0, None): dict.fromkeys(ORDERS, 0.0),
}


@pytest.mark.parametrize(("share", "money"), NEXT)
def test_the_next_per_cent_is_what_a_larger_budget_would_add(share, money, plan_of, frame, rows_of):
    labels = frame("customer_id string, churned int", [("small", 1)])
    plan = plan_of(strategies=list(ORDERS), share=share, money=money)
    kept = value_kept(plan, labels, OFFER)
    budget = Budget(4, share, money)
    rows = rows_of(strategy_comparison(plan, kept, OFFER, as_of=NOW, budget=budget))
    assert {r["strategy"]: pytest.approx(r["next_1pct_value"]) for r in rows} == NEXT[share, money]


def test_one_per_cent_of_the_customers_or_of_the_money():
    assert Budget(400, 0.2, None).further().share == pytest.approx(0.21)
    assert Budget(50, 0.2, None).further().share == pytest.approx(0.22)  # one of 50
    assert Budget(400, None, 200.0).further().money == pytest.approx(202.0)


def test_the_lot_does_not_depend_on_risk(plan_of, rows_of):
    drawn = [r["customer_id"] for r in by_rank(rows_of(plan_of()), "random")]
    turned = [(*r[:2], 1 - r[2], *r[3:]) for r in ROWS]
    assert drawn == [r["customer_id"] for r in by_rank(rows_of(plan_of(turned)), "random")]


SEGMENTS = "as_of date, customer_id string, lifecycle string, recency_days bigint"


def test_the_lost_stand_in_every_plan_with_their_reason_and_without_a_rank(plan_of, frame, rows_of):
    segments = [
        (NOW, "small", "active", 3),
        (NOW, "big", "silent", 90),
        (NOW, "whale", "lost", 91),
        (NOW, "ended", "terminated", 2),
        (NOW, "visitor", "prospect", None),
    ]
    lost = lost_customers(frame(SEGMENTS, segments))
    two = ("clv_at_risk", "random")
    plan = rows_of(retention_plan(plan_of(strategies=two), OFFER, 14, lost=lost, strategies=two))
    left_out = [r for r in plan if r["rank"] is None]
    assert sorted((r["strategy"], r["customer_id"], r["why"]) for r in left_out) == [
        (name, who, why)
        for name in two
        for who, why in (
            ("ended", "Left out: the contract has ended."),
            ("whale", "Left out: already lost, the last purchase was 91 days ago."),
        )
    ]
    assert {r["is_chosen"] for r in left_out} == {False}
    for column in ("offer_id", "send_on", "expected_value_kept", "cost"):
        assert {r[column] for r in left_out} == {None}
    ranks = [r for r in plan if r["rank"] is not None]
    assert ranks == rows_of(retention_plan(plan_of(strategies=two), OFFER, 14))
