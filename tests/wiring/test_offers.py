"""estimate_uplift and decide_offers: who teaches, who may get an offer, who is held out."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.wiring import company_files as files
from tests.wiring.company_files import CAMPAIGN_3, PLAN_1, PLAN_2

pytestmark = pytest.mark.spark_only


def decisions(company, day):
    return company.table("gold.offer_decisions", f"as_of = DATE '{day}'").set_index("customer_id")


def metric(company, split: str, offer: str, name: str):
    rows = company.table(
        "gold.uplift_results",
        f"split = '{split}' AND offer_id = '{offer}' AND metric = '{name}' AND is_randomised",
    )
    assert len(rows) == 1
    return rows.iloc[0]


def test_the_test_campaign_is_not_used_to_train_the_tested_model(company):
    """Planted: loyalty_bonus helps the north and harms the south in two campaigns, and in the third,
    the test, the other way round. A model that saw the first two alone ranks the third badly."""
    chosen = metric(company, "validation", "loyalty_bonus", "qini")
    tested = metric(company, "test", "loyalty_bonus", "qini")
    assert chosen["value"] > 0 and tested["ci_high"] < 0
    # discount_20 helps the basic plan in all three.
    assert metric(company, "test", "discount_20", "qini")["value"] > 0


def test_only_the_last_campaign_is_used_as_the_test_campaign(company):
    contacts = company.sql(
        "SELECT c.* FROM {silver.campaign_contacts} c JOIN {features.labels} l "
        "ON c.customer_id = l.customer_id AND l.as_of = c.contacted_at::DATE "
        "WHERE campaign_id = 'trial-6'"
    )
    for offer in ("discount_20", "loyalty_bonus"):
        compared = contacts["offer_id"].isna() | (contacts["offer_id"] == offer)
        assert metric(company, "test", offer, "qini")["customers"] == compared.sum()
    assert set(contacts["contacted_at"].dt.date) == {CAMPAIGN_3}


def test_only_active_and_silent_customers_have_effects(company):
    effects = company.table("gold.offer_effects")
    kept = company.table(
        "gold.customer_segments",
        f"as_of = DATE '{PLAN_1}' AND lifecycle IN ('active', 'silent')",
    )
    lost = company.table(
        "gold.customer_segments", f"as_of = DATE '{PLAN_1}' AND lifecycle = 'lost'"
    )
    assert len(lost) >= 10
    for _, rows in effects.groupby("offer_id"):
        assert sorted(rows["customer_id"]) == sorted(kept["customer_id"])
    assert set(effects["offer_id"]) == {"discount_20", "loyalty_bonus"}


def test_customers_who_opted_out_before_the_plan_get_no_offer(company):
    first, second = decisions(company, PLAN_1), decisions(company, PLAN_2)
    out = files.OPTED_OUT | files.OPTED_OUT_BY_SECOND_FILE
    for plan in (first, second):
        assert set(plan.loc[plan.index.isin(out), "no_offer_reason"]) == {"opted_out"}
        back = plan.loc[plan.index.isin(files.OPTED_IN_AGAIN), "no_offer_reason"]
        assert len(back) and "opted_out" not in set(back)
    # Read after the first plan was made, or known only since August.
    later = first.index.isin(files.OPTED_OUT_AFTER_DECISION | files.OPTED_OUT_IN_AUGUST)
    assert "opted_out" not in set(first.loc[later, "no_offer_reason"])
    later = second.index.isin(files.OPTED_OUT_AFTER_DECISION | files.OPTED_OUT_IN_AUGUST)
    assert set(second.loc[later, "no_offer_reason"]) == {"opted_out"}
    unknown = second.index.isin(files.OPTED_OUT_IN_SEPTEMBER)
    assert unknown.any() and "opted_out" not in set(second.loc[unknown, "no_offer_reason"])


def test_customers_in_a_cooling_off_period_get_no_offer(company):
    """By a campaign ten days before the plan, or by a rule on the day of the plan. An offer that is
    to be sent after the 20 days of cooling off may be decided. Those with no offer due have the
    reason `later`, whether they were contacted or not."""
    by_rule = [
        (
            day,
            set(
                company.table(
                    "gold.outbox", f"triggered_on = DATE '{day}' AND campaign_id IS NULL"
                )["customer_id"]
            ),
        )
        for day in (PLAN_1, PLAN_2)
    ]
    contacts = [(PLAN_1, files.NEWSLETTER_DAY, files.NEWSLETTER)]
    contacts += [(day, day, customers) for day, customers in by_rule]
    cooling = 0
    for day, contacted_on, customers in contacts:
        plan = decisions(company, day)
        own = plan[plan.index.isin(customers)]
        assert own["no_offer_reason"].isin(["cooling_off", "later"]).sum() >= 3
        cooling += (own["no_offer_reason"] == "cooling_off").sum()
        offered = own[own["offer_id"].notna()]
        assert ((offered["send_on"].dt.date - contacted_on) >= dt.timedelta(days=20)).all()
    assert cooling >= 3


def test_the_control_group_stays_held_out_in_later_plans(company):
    drawn = company.table("gold.hold_out").set_index("customer_id")
    for day in (PLAN_1, PLAN_2):
        plan = decisions(company, day)
        chosen = plan[plan["offer_id"].notna()]
        assert set(chosen.index) <= set(drawn.index)
        held = drawn.loc[chosen.index, "is_held_out"]
        assert held.any() and not held.all()
        assert chosen["is_held_out"].tolist() == held.tolist()
        assert not plan.loc[plan["offer_id"].isna(), "is_held_out"].any()
    new = drawn[drawn["assigned_on"].astype(str) == str(PLAN_2)]
    assert new["is_held_out"].any()
    second = decisions(company, PLAN_2)
    again = second[second["is_held_out"]].index.difference(new.index)
    assert len(again) >= 1


def test_a_plan_stays_within_its_budget_and_records_its_effect_basis_and_policy(company):
    scored = company.sql("SELECT as_of, count(*) AS n FROM {gold.customer_scores} GROUP BY ALL")
    size = {str(d)[:10]: n for d, n in zip(scored["as_of"], scored["n"], strict=True)}
    for day, basis in ((PLAN_1, "experiment"), (PLAN_2, "assumed")):
        plan = decisions(company, day)
        within = plan[plan["effect"].notna()]
        assert 0 < len(within) <= 0.4 * size[str(day)]
        assert set(within["effect_basis"]) == {basis}
    assert set(decisions(company, PLAN_2)["policy"]) == {"rules"}
    compared = company.table("gold.policy_comparison").set_index("policy")
    assert set(decisions(company, PLAN_1)["policy"]) == {compared["is_chosen"].idxmax()}
