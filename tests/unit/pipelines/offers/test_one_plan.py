"""gold.retention_plan under net_value and gold.offer_decisions by the rules: one plan."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from pipelines.offers.budget_allocation import allocate
from pipelines.offers.offer_catalog import offers_of_conf
from pipelines.offers.retention_planning import assumption
from pipelines.offers.shadow_prices import Problem
from transforms.decisions import offer_decisions, people
from transforms.offer_policies import with_factor_rule, with_timing_and_barrier
from transforms.offers import assumed_effects, with_costs_and_gains
from transforms.retention_plan import (
    Budget,
    lost_customers,
    plan_rows,
    ranked,
    retention_plan,
    with_choice,
)

NOW = dt.date(2026, 1, 1)
SIZE = 8
FACTORS = {name: [name] for name in ("recency", "order_value", "support_tickets", "feature_usage")}


def company(has_amounts):
    """Forty customers of all timings, with ties, other offers, opt-outs and past contacts."""
    rows = []
    for n in range(40):
        # Without amounts all gains are equal: 0.2 x 0.8 x 1 and 0.2 x 0.4 x 2. The risk decides.
        risk = 0.2 + 0.15 * (n % 5) if has_amounts else (0.4, 0.8)[n % 2]
        churns_on = [None, NOW + dt.timedelta(days=20), NOW + dt.timedelta(days=200)][n % 3]
        rows.append(
            {
                "as_of": NOW,
                "customer_id": f"c{39 - n:02d}",
                "lifecycle": ["active", "active", "active", "silent", "lost"][n % 5],
                "recency_days": 10 + n,
                "churn_probability": risk,
                "churn_prediction": int(n % 7 < 4),
                "value_at_stake": 100.0 * (1 + n % 3) if has_amounts else None,
                "expected_purchases_30d": (2.0, 1.0)[n % 2],
                "likely_churn_date": churns_on,
                "total_orders": 10 + n,
                "revenue_365d": 50.0 if has_amounts else 0.0,
                "tenure_days": 400,
                "is_opted_out": n == 8,
            }
        )
    return rows


COLUMNS = {
    "segments": "as_of date, customer_id string, lifecycle string, segment string, "
    "recency_days bigint, engagement_score double",
    "scores": "customer_id string, churn_probability double, churn_prediction int, "
    "value_at_stake double, expected_purchases_30d double, likely_churn_date date",
    "transactions": "customer_id string, total_orders bigint, total_revenue double, "
    "tenure_days bigint, revenue_365d double",
    "customers": "customer_id string, is_opted_out boolean",
}


@pytest.mark.parametrize("has_amounts", [True, False])
def test_both_tables_choose_the_same_customers_with_the_same_day_and_cost(
    frame, kept, rows_of, has_amounts
):
    rows, offers = company(has_amounts), offers_of_conf()
    inputs = {}
    for name, columns in COLUMNS.items():
        names = [part.split(" ")[0] for part in columns.split(", ")]
        inputs[name] = frame(columns, [{c: row.get(c) for c in names} for row in rows])
    contacts = frame(
        "customer_id string, offer_id string, contacted_on date",
        [("c27", "discount_10", NOW - dt.timedelta(days=5))],
    )
    factors = frame(
        "customer_id string, feature string, impact double",
        [(row["customer_id"], "support_tickets", 0.4) for row in rows[::6]],
    )
    timed = with_timing_and_barrier(
        people(**inputs),
        contacts,
        offers,
        send_days_before=14,
        period_days=30,
        cooling_off_days=30,
    )
    ruled = with_factor_rule(timed, factors, FACTORS, high_risk_from=0.6, many_orders=20)
    options = kept(with_costs_and_gains(assumed_effects(kept(ruled), offers, 0.2), offers, 0.3))

    names = [o.name for o in offers if o.is_in_budget]
    allocated = allocate(Problem(options, names, "customers", SIZE, {}), kept).rows
    decisions = offer_decisions(allocated, offers, "rules", campaign_id="plan", redemption_rate=0.3)
    decided = {r["customer_id"]: r for r in rows_of(decisions)}

    customers = kept(plan_rows(options, offers))
    chosen = with_choice(
        ranked(customers, {"net_value": "net_value"}, 30), Budget(SIZE, "customers", 32, {})
    )
    lost = lost_customers(inputs["segments"])
    plan = retention_plan(kept(chosen), customers, lost, strategies=["net_value"])
    planned = {r["customer_id"]: r for r in rows_of(plan)}

    within = {c: r for c, r in decided.items() if r["effect"] is not None}
    assert len(within) == SIZE == sum(r["is_chosen"] for r in planned.values())
    assert {c for c, r in planned.items() if r["is_chosen"]} == set(within)
    for customer, row in within.items():
        mine = planned[customer]
        assert (mine["offer_id"], mine["send_on"]) == (row["offer_id"], row["send_on"])
        assert mine["cost"] == row["expected_cost"]
        assert NOW < mine["send_on"] <= NOW + dt.timedelta(days=30)
    assert len({r["offer_id"] for r in within.values()}) >= 1 + has_amounts
    kept_ones = {c for c, r in decided.items() if r["timing"] != "never" and r["effect"] is None}
    for customer in kept_ones - {c for c, r in decided.items() if r["offer_id"]}:
        mine, row = planned[customer], decided[customer]
        assert (mine["timing"], mine["send_on"]) == (row["timing"], row["send_on"])
    assert {"now", "in_period", "later", "never"} == {r["timing"] for r in planned.values()}


@pytest.mark.parametrize("share, shown", [(0.2, "20 %"), (0.07, "7 %"), (0.125, "12.5 %")])
def test_the_assumption_of_a_plan_in_words(share, shown):
    conf = SimpleNamespace(assumed_effect=share, redemption_rate=0.3)
    assert assumption(conf) == (
        "assumed in conf, not measured: each offer lowers the churn probability by "
        f"{shown} of its value; costs are those of conf/offers.yaml, and 30 % redeem a discount"
    )
