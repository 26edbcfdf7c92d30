"""fit_lifetime and plan_retention: who has a worth, who is ranked, who is chosen."""

from __future__ import annotations

import math

import pytest

from tests.wiring.company_files import PLAN_1, PLAN_2

pytestmark = pytest.mark.spark_only


@pytest.mark.parametrize("day", [PLAN_1, PLAN_2])
def test_every_customer_with_a_purchase_has_a_clv(company, day):
    worth = company.table("gold.customer_lifetime", f"as_of = DATE '{day}'")
    bought = company.table(
        "features.transactions", f"as_of = DATE '{day}' AND recency_days IS NOT NULL"
    )
    assert sorted(worth["customer_id"]) == sorted(bought["customer_id"])
    assert (worth["clv_12m"] >= 0).all() and worth["clv_12m"].max() > 0


def test_the_plan_ranks_scored_customers_and_chooses_the_top_ranks_within_the_budget(company):
    plan = company.table("gold.retention_plan", f"as_of = DATE '{PLAN_2}'")
    scored = company.table("gold.customer_scores", f"as_of = DATE '{PLAN_2}'")
    lost = company.table(
        "gold.customer_segments", f"as_of = DATE '{PLAN_2}' AND lifecycle = 'lost'"
    )
    for _, rows in plan.groupby("strategy"):
        ranked = rows[rows["rank"].notna()]
        assert set(ranked["customer_id"]) == set(scored["customer_id"])
        assert set(rows.loc[rows["rank"].isna(), "customer_id"]) == set(lost["customer_id"])
        chosen = math.floor(0.2 * len(scored))
        assert sorted(rows.loc[rows["is_chosen"], "rank"]) == list(range(1, chosen + 1))


def test_the_strategies_are_backtested_on_an_earlier_day(company):
    compared = company.table("gold.strategy_comparison", f"as_of = DATE '{PLAN_2}'")
    assert compared["value_kept"].notna().all()
