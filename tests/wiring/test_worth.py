"""fit_lifetime and plan_retention: who has a worth, who is ranked, who is chosen."""

from __future__ import annotations

import math

import pandas as pd
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
    for strategy, rows in plan.groupby("strategy"):
        assert set(rows["customer_id"]) == set(scored["customer_id"]) | set(lost["customer_id"])
        ranked = rows[rows["rank"].notna()]
        assert set(ranked["timing"]) <= {"now", "in_period"}
        assert set(rows.loc[rows["rank"].isna(), "timing"]) <= {"later", "never"}
        assert set(rows.loc[rows["customer_id"].isin(lost["customer_id"]), "timing"]) == {"never"}
        chosen = min(math.floor(0.4 * len(scored)), len(ranked))
        if strategy != "net_value":  # chooses no offer that costs more than it keeps
            assert sorted(rows.loc[rows["is_chosen"], "rank"]) == list(range(1, chosen + 1))
        sent = pd.to_datetime(rows.loc[rows["is_chosen"], "send_on"])
        assert sent.between(
            pd.Timestamp(PLAN_2), pd.Timestamp(PLAN_2) + pd.Timedelta(days=30)
        ).all()


def test_net_value_is_the_plan_that_is_sent(company):
    """At PLAN_2 no effect is measured for the day, so that the rules decide there too."""
    plan = company.table(
        "gold.retention_plan", f"as_of = DATE '{PLAN_2}' AND strategy = 'net_value' AND is_chosen"
    ).set_index("customer_id")
    sent = company.table("gold.offer_decisions", f"as_of = DATE '{PLAN_2}' AND effect IS NOT NULL")
    sent = sent.set_index("customer_id")
    assert len(sent) and sorted(plan.index) == sorted(sent.index)
    same = plan.loc[sent.index]
    assert same["offer_id"].tolist() == sent["offer_id"].tolist()
    assert same["send_on"].tolist() == sent["send_on"].tolist()
    assert same["timing"].tolist() == sent["timing"].tolist()
    assert same["cost"].tolist() == pytest.approx(sent["expected_cost"].tolist())


def test_the_strategies_are_backtested_on_an_earlier_day(company):
    compared = company.table("gold.strategy_comparison", f"as_of = DATE '{PLAN_2}'")
    assert compared["value_kept"].notna().all()
