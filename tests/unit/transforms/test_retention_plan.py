"""Ranks, budgets, sentences and those left out, on four customers."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms.offers import Offer
from transforms.retention_plan import (
    Budget,
    lost_customers,
    plan_rows,
    ranked,
    retention_plan,
    with_choice,
)
from transforms.strategy_comparison import (
    inactivity_outcomes,
    strategy_comparison,
    termination_outcomes,
    value_kept,
)

NOW = dt.date(2018, 1, 1)
TOMORROW = dt.date(2018, 1, 2)
OPTIONS = (
    "as_of date, customer_id string, lifecycle string, churn_probability double, p_alive double, "
    "expected_purchases_30d double, value_at_stake double, value_basis string, send_on date, "
    "timing string, barrier string, rule_offer string, effect_ten double, cost_ten double, "
    "gain_ten double"
)
TEN = Offer("ten", 0.1, None, True, 0, None, None, True)
STRATEGIES = {s: s for s in ("churn_probability", "p_alive", "clv_at_risk", "net_value", "random")}


def option(name, p, alive, purchases, stake, **changes):
    """A customer whose offer lowers the risk by a fifth and costs a twentieth of the value."""
    gain = 0.2 * p * purchases if stake is None else 0.2 * p * stake - stake / 20
    row = {
        **{"as_of": NOW, "customer_id": name, "lifecycle": "active", "churn_probability": p},
        **{"p_alive": alive, "expected_purchases_30d": purchases, "value_at_stake": stake},
        "value_basis": "expected_purchases" if stake is None else "value_at_stake",
        **{"send_on": TOMORROW, "timing": "now", "barrier": None, "rule_offer": "ten"},
        **{"effect_ten": 0.2 * p, "cost_ten": None if stake is None else stake / 20},
        **{"gain_ten": gain},
    }
    return row | changes


# value_at_risk: small 72, big 400, safe 50, poor 0.2.
# kept (x 0.2): 14.4, 80, 10, 0.04; cost (/ 20): 4, 50, 50, 0.05; net: 10.4, 30, -40, -0.01.
CUSTOMERS = {
    "small": (0.9, 0.30, 0.2, 80.0),
    "big": (0.4, 0.60, 3.0, 1000.0),
    "safe": (0.05, 0.99, 9.0, 1000.0),
    "poor": (0.2, 0.40, 0.5, 1.0),
}
ROWS = [option(name, *values) for name, values in CUSTOMERS.items()]
ORDERS = {
    "churn_probability": ["small", "big", "poor", "safe"],
    "p_alive": ["small", "poor", "big", "safe"],
    "clv_at_risk": ["big", "small", "safe", "poor"],
    "net_value": ["big", "small", "poor", "safe"],
}


def cached(function):
    """The function with its frames by argument: most tests use the same customers."""
    frames = {}

    def by_argument(*arguments):
        key = repr(arguments)
        if key not in frames:
            frames[key] = function(*arguments)
        return frames[key]

    return by_argument


@pytest.fixture(scope="module")
def customers(frame, kept):
    """The rows of a plan, of the options of customers."""
    return cached(lambda options: kept(plan_rows(frame(OPTIONS, options), [TEN])))


@pytest.fixture(scope="module")
def ranks(customers, kept):
    return cached(lambda options, names: kept(ranked(customers(options), names, 30)))


@pytest.fixture(scope="module")
def plan_of(ranks, kept):
    def plan(options=ROWS, strategies=STRATEGIES, size=2.0, unit="customers", caps=None):
        names = strategies if isinstance(strategies, dict) else {s: s for s in strategies}
        budget = Budget(size, unit, len(options), caps or {})
        return kept(with_choice(ranks(options, names), budget))

    return plan


def by_rank(rows, strategy):
    return sorted((r for r in rows if r["strategy"] == strategy), key=lambda r: r["rank"])


def order(rows, strategy):
    return [r["customer_id"] for r in by_rank(rows, strategy)]


@pytest.mark.parametrize("strategy", ORDERS)
def test_a_strategy_ranks_by_its_quantity(strategy, plan_of, rows_of):
    plan = by_rank(rows_of(plan_of(strategies=[strategy])), strategy)
    assert [r["customer_id"] for r in plan] == ORDERS[strategy]
    assert [r["rank"] for r in plan] == [1, 2, 3, 4]


def test_a_share_chooses_the_first_and_net_value_nobody_at_a_loss(plan_of, rows_of):
    plan = rows_of(plan_of(size=3.0))
    chosen = {s: [r["customer_id"] for r in by_rank(plan, s) if r["is_chosen"]] for s in ORDERS}
    assert chosen["churn_probability"] == ["small", "big", "poor"]
    assert chosen["net_value"] == ["big", "small"]
    assert sum(r["is_chosen"] for r in by_rank(plan, "random")) == 3


def test_money_buys_from_the_top_down(plan_of, rows_of):
    """Costs in the order of churn_probability: 4, 50, 0.05, 50."""
    for money, chosen in ((54.0, [True, True, False, False]), (54.06, [True, True, True, False])):
        plan = rows_of(plan_of(size=money, unit="money"))
        assert [r["is_chosen"] for r in by_rank(plan, "churn_probability")] == chosen


def test_a_capped_offer_goes_to_its_first_customers_alone(plan_of, rows_of):
    plan = rows_of(plan_of(size=3.0, caps={"ten": 1}))
    for strategy in STRATEGIES:
        assert [r["rank"] for r in by_rank(plan, strategy) if r["is_chosen"]] == [1]


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
@pytest.mark.parametrize("place", [0, 3])
@pytest.mark.parametrize("has_amounts", [True, False])
def test_the_sentence_changes_with_either_quantity(strategy, place, has_amounts, plan_of, rows_of):
    """Risk (with P(alive)) and value, or without amounts purchases, are changed separately."""
    before = list(CUSTOMERS["big"])
    if not has_amounts:
        before[3] = None
    after = list(before)
    changed = [0, 1] if place == 0 else [2, 3]
    if strategy == "p_alive" and not has_amounts:
        changed = [place and 1]
    for k in changed:
        after[k] = before[k] and before[k] * 1.1
    why = [
        rows_of(plan_of([option("big", *values)], [strategy]), "why")[0]["why"]
        for values in (before, after)
    ]
    assert why[0] != why[1]


def test_without_p_alive_the_strategy_has_another_name_and_takes_expected_purchases(
    plan_of, rows_of
):
    options = [{**r, "p_alive": None} for r in ROWS]
    rows = rows_of(plan_of(options, {"expected_purchases": "p_alive"}))
    plan = by_rank(rows, "expected_purchases")
    assert [r["customer_id"] for r in plan] == ["small", "poor", "big", "safe"]
    assert plan[0]["why"] == (
        "P(alive) is not known; expected purchases in 30 days: 0.200; "
        "value at stake over 12 months: 80.00."
    )


def test_who_bought_once_is_ranked_by_expected_purchases(plan_of, rows_of):
    """P(alive) is unknown for big and safe: they have 3 and 0.35 expected purchases."""
    options = [
        ROWS[0],
        {**ROWS[1], "p_alive": None},
        {**ROWS[2], "p_alive": None, "expected_purchases_30d": 0.35},
    ]
    plan = by_rank(rows_of(plan_of(options, ["p_alive"])), "p_alive")
    assert [r["customer_id"] for r in plan] == ["small", "safe", "big"]
    assert plan[1]["why"] == (
        "P(alive) is not known; expected purchases in 30 days: 0.350; "
        "value at stake over 12 months: 1000.00."
    )


def test_without_amounts_expected_purchases_at_risk_decide(plan_of, rows_of):
    """Purchases at risk: small 0.18, big 1.2, safe 0.45, poor 0.1. The ids are in another order."""
    options = [option(name, *values[:3], None) for name, values in CUSTOMERS.items()]
    plan = rows_of(plan_of(options))
    for strategy in ("clv_at_risk", "net_value"):
        assert order(plan, strategy) == ["big", "safe", "small", "poor"]
        assert [r["is_chosen"] for r in by_rank(plan, strategy)] == [True, True, False, False]
        assert by_rank(plan, strategy)[0]["why"] == (
            "Churn probability within 30 days: 40.0 %; expected purchases in 30 days: 3.000."
        )
    assert order(plan, "churn_probability") == ORDERS["churn_probability"]
    paid = rows_of(plan_of(options, size=1e9, unit="money"))
    assert not any(r["is_chosen"] for r in paid)


def test_ties_are_broken_by_value_then_by_risk_then_by_id(plan_of, rows_of):
    tied = [
        option(name, 0.5, 0.5, 1.0, stake)
        for name, stake in (("c", 10.0), ("b", 20.0), ("a", 10.0))
    ]
    assert order(rows_of(plan_of(tied)), "churn_probability") == ["b", "a", "c"]
    # The same P(alive) and value: the higher risk comes first, though its id is the last.
    alike = [option(name, p, 0.5, 1.0, 10.0) for name, p in (("a", 0.2), ("b", 0.2), ("c", 0.7))]
    assert order(rows_of(plan_of(alike, ["p_alive"])), "p_alive") == ["c", "a", "b"]


OUT = [
    ROWS[0],
    {**ROWS[1], "timing": "in_period", "send_on": dt.date(2018, 1, 20)},
    option(
        "dated", 0.1, 0.9, 1.0, 9.0, timing="later", barrier="later", send_on=dt.date(2019, 1, 5)
    ),
    option("undated", 0.1, 0.9, 1.0, 9.0, timing="later", barrier="later", send_on=None),
    option("cooling", 0.9, 0.9, 1.0, 9.0, barrier="cooling_off"),
    option("private", 0.9, 0.9, 1.0, 9.0, barrier="opted_out"),
    option("barred", 0.9, 0.9, 1.0, 9.0, cost_ten=None, gain_ten=None),
    option("other_rule", 0.9, 0.9, 1.0, 9.0, rule_offer="removed"),
    option("gone", 0.9, 0.9, 1.0, 9.0, lifecycle="lost", timing="never"),
]
SEGMENTS = "as_of date, customer_id string, lifecycle string, recency_days bigint"
LOST = [(NOW, "gone", "lost", 91), (NOW, "ended", "terminated", 2), (NOW, "visitor", "prospect", 0)]


def test_only_offers_of_the_period_are_ranked_and_the_others_have_their_reason(
    plan_of, customers, frame, rows_of
):
    strategies = ["clv_at_risk", "random"]
    chosen, lost = plan_of(OUT, strategies, size=9.0), lost_customers(frame(SEGMENTS, LOST))
    plan = rows_of(retention_plan(chosen, customers(OUT), lost, strategies=strategies))
    told = "no churn is predicted, so no offer is sent now"
    not_eligible = "Left out: the customer is not eligible for any offer."
    left_out = {
        "dated": (
            "later",
            dt.date(2019, 1, 5),
            f"Left out: {told}; the day planned so far is 2019-01-05.",
        ),
        "undated": ("later", None, f"Left out: {told}."),
        "cooling": ("later", None, "Left out: the last contact was too recent."),
        "private": ("never", None, "Left out: the customer opted out of contacts."),
        "barred": ("never", None, not_eligible),
        "other_rule": ("never", None, not_eligible),
        "gone": ("never", None, "Left out: already lost, the last purchase was 91 days ago."),
        "ended": ("never", None, "Left out: the contract has ended."),
    }
    for strategy in strategies:
        rows = {r["customer_id"]: r for r in plan if r["strategy"] == strategy}
        ranks = {c: r for c, r in rows.items() if r["rank"] is not None}
        assert {c: (r["timing"], r["send_on"]) for c, r in ranks.items()} == {
            "small": ("now", TOMORROW),
            "big": ("in_period", dt.date(2018, 1, 20)),
        }
        assert all(r["is_chosen"] and r["offer_id"] == "ten" for r in ranks.values())
        others = {c: r for c, r in rows.items() if r["rank"] is None}
        assert {c: (r["timing"], r["send_on"], r["why"]) for c, r in others.items()} == left_out
        for column in ("offer_id", "expected_value_kept", "cost"):
            assert {r[column] for r in others.values()} == {None}
        assert not any(r["is_chosen"] for r in others.values())


def test_a_ranked_customer_who_is_not_chosen_has_no_day(plan_of, customers, frame, rows_of):
    none = lost_customers(frame(SEGMENTS, []))
    plan = rows_of(
        retention_plan(plan_of(size=1.0), customers(ROWS), none, strategies=list(STRATEGIES))
    )
    for strategy in STRATEGIES:
        days = [r["send_on"] for r in by_rank(plan, strategy)]
        assert days == [TOMORROW, None, None, None]


def test_the_lot_does_not_depend_on_risk(plan_of, rows_of):
    turned = [option(n, 1 - v[0], *v[1:]) for n, v in CUSTOMERS.items()]
    assert order(rows_of(plan_of()), "random") == order(rows_of(plan_of(turned)), "random")


def test_one_per_cent_of_the_customers_or_of_the_money():
    assert Budget(80.0, "customers", 400, {}).further().size == pytest.approx(84)
    assert Budget(10.0, "customers", 50, {}).further().size == 11  # one of 50
    assert Budget(200.0, "money", 400, {}).further().size == pytest.approx(202.0)


OUTCOMES = "customer_id string, churned int, send_by date"
IN_TIME, TOO_LATE = dt.date(2018, 1, 24), NOW


def test_value_kept_counts_the_chosen_who_left_and_were_sent_an_offer_in_time(
    plan_of, frame, rows_of
):
    left = {"small": 1, "big": 0, "poor": 1, "safe": 1}
    outcomes = frame(OUTCOMES, [(c, churned, IN_TIME) for c, churned in left.items()])
    by_strategy = {r["strategy"]: r for r in rows_of(value_kept(plan_of(), outcomes, 0.2))}
    # p_alive chooses small and poor: 0.2 x (80 + 1) at a cost of 4 + 0.05.
    alive = by_strategy["p_alive"]
    assert alive["value_kept"] == pytest.approx(16.2)
    assert alive["cost"] == pytest.approx(4.05)
    assert alive["net_value_kept"] == pytest.approx(12.15)
    # clv_at_risk chooses big (stays, costs 50) and small. Net per customer: 12, -50, 0, 0.
    at_risk = by_strategy["clv_at_risk"]
    assert (at_risk["value_kept"], at_risk["cost"]) == pytest.approx((16.0, 54.0))
    mean = (12 - 50) / 4
    variance = ((12 - mean) ** 2 + (-50 - mean) ** 2 + 2 * mean**2) / 3
    margin = 1.959964 * (4 * variance) ** 0.5
    assert at_risk["net_value_kept"] == pytest.approx(-38.0)
    assert (at_risk["ci_low"], at_risk["ci_high"]) == pytest.approx((-38 - margin, -38 + margin))


def test_an_offer_sent_too_late_counts_its_cost_alone(plan_of, frame, rows_of):
    outcomes = frame(OUTCOMES, [("small", 1, TOO_LATE), ("big", 1, TOMORROW), ("poor", 1, None)])
    kept = rows_of(value_kept(plan_of(strategies=["clv_at_risk"]), outcomes, 0.2))[0]
    # big is sent its offer on the last day that counts; small a day after it.
    assert (kept["value_kept"], kept["cost"]) == pytest.approx((0.2 * 1000, 50 + 4))


def test_without_amounts_nothing_is_known_of_the_value_kept(plan_of, frame, rows_of):
    options = [option(name, *values[:3], None) for name, values in CUSTOMERS.items()]
    outcomes = frame(OUTCOMES, [(c, 1, IN_TIME) for c in CUSTOMERS])
    for row in rows_of(value_kept(plan_of(options), outcomes, 0.2)):
        assert [v for k, v in row.items() if k != "strategy"] == [None] * 5


def test_the_last_day_that_counts(frame, tuples_of):
    labels = frame("customer_id string, churned int", [("a", 1), ("b", 0), ("c", 1)])
    # 2018-01-31 is the end of the horizon: the silence is certain only then.
    judged = inactivity_outcomes(labels, outcome_on=dt.date(2018, 1, 31), sent_before_days=7)
    assert tuples_of(judged) == [
        (name, churned, dt.date(2018, 1, 24)) for name, churned in (("a", 1), ("b", 0), ("c", 1))
    ]
    ends = [
        ("a", dt.datetime(2018, 1, 20, 9)),
        ("a", dt.datetime(2018, 1, 25, 9)),
        ("c", dt.datetime(2017, 6, 1)),  # an earlier contract
    ]
    terminations = frame("customer_id string, terminated_at timestamp", ends)
    assert tuples_of(termination_outcomes(labels, terminations, NOW)) == [
        ("a", 1, dt.date(2018, 1, 19)),
        ("b", 0, None),
        ("c", 1, None),
    ]


@pytest.fixture
def compared(customers, frame, rows_of):
    """The rows of strategy_comparison, by pair of strategies."""

    def compare(plan, size=2.0, unit="customers", options=ROWS):
        outcomes = frame(OUTCOMES, [("small", 1, IN_TIME), ("big", 0, IN_TIME)])
        rows = strategy_comparison(
            plan,
            value_kept(plan, outcomes, 0.2),
            customers(options),
            as_of=NOW,
            budget=Budget(size, unit, 4, {}),
            basis="assumed",
        )
        return {(r["strategy"], r["other_strategy"]): r for r in rows_of(rows)}

    return compare


def test_strategies_beside_each_other(plan_of, compared):
    waiting = option("later", 0.1, 0.9, 1.0, 100.0, timing="later", barrier="later")
    pairs = compared(plan_of(), options=[*ROWS, waiting])
    assert len(pairs) == len(STRATEGIES) ** 2
    pair = pairs["p_alive", "clv_at_risk"]
    # {small, poor} and {big, small}.
    assert (pair["chosen"], pair["shared"], pair["jaccard"]) == (2, 1, pytest.approx(1 / 3))
    # 522.2 of those in the plan, and 10 of the customer who is contacted later.
    assert pair["value_at_stake_covered"] == pytest.approx((72 + 0.2) / 532.2)
    # The third by P(alive) is big, which keeps 80 and costs 50.
    assert pair["next_1pct_value"] == pytest.approx(80)
    assert pair["next_1pct_cost"] == pytest.approx(50)
    assert (pair["value_kept"], pair["cost"]) == pytest.approx((16, 4))
    assert pair["net_value_kept"] == pytest.approx(12)
    own = pairs["net_value", "net_value"]
    assert (own["chosen"], own["shared"], own["jaccard"]) == (2, 2, 1)
    assert own["assumption"] == "assumed"


NEXT = {
    # The third in each order; for net_value it is poor, whose offer costs more than it keeps.
    (2.0, "customers"): (0.04, 80.0, 10.0, 0.0),
    # Costs so far: 4, 54, 54.05, 104.05; 4, 4.05, 54.05; 50, 54, 104; 50, 54. 1 % more is 54.06.
    (53.53, "money"): (80.0 + 0.04, 80.0, 14.4, 14.4),
    # 54.54 adds only poor, third by churn_probability, and big, third by p_alive.
    (54.0, "money"): (0.04, 80.0, 0.0, 0.0),
    (4.0, "customers"): (0.0, 0.0, 0.0, 0.0),
}


@pytest.mark.parametrize(("size", "unit"), NEXT)
def test_the_next_per_cent_is_what_a_larger_budget_would_add(size, unit, plan_of, compared):
    pairs = compared(plan_of(strategies=list(ORDERS), size=size, unit=unit), size, unit)
    following = {name: pytest.approx(v) for name, v in zip(ORDERS, NEXT[size, unit], strict=True)}
    assert {s: r["next_1pct_value"] for (s, _), r in pairs.items()} == following
