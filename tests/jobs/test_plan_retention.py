"""plan_retention on a small real lake: ranks, budgets, left out customers, invalid options."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from shutil import ignore_patterns

import pandas as pd
import pytest

from pipelines.offers import retention_planning
from pipelines.offers.retention_planning import PlanOptions
from runtime.errors import TableError, UsageError
from runtime.progress import Progress
from tests.jobs.lifetime_lake import AS_OF, BEFORE, lifetime_context, of_now, rows_of, write_lost

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]


def test_the_plan_ranks_the_same_customers_by_every_strategy(fitted):
    plan = rows_of(fitted, "gold.retention_plan")
    scores = of_now(rows_of(fitted, "gold.customer_scores"))
    for _, rows in plan.groupby("strategy"):
        assert sorted(rows["customer_id"]) == sorted(scores["customer_id"])
        assert sorted(rows["rank"]) == list(range(1, len(scores) + 1))
    chosen = plan[plan["is_chosen"]].groupby("strategy").size()
    assert chosen["clv_at_risk"] == chosen["random"] == len(scores) // 5
    assert set(plan["timing"]) == {"now"}
    sent = plan.loc[plan["is_chosen"], "send_on"]
    assert set(pd.to_datetime(sent).dt.date) == {AS_OF + dt.timedelta(days=1)}
    compared = rows_of(fitted, "gold.strategy_comparison")
    own = compared[compared["strategy"] == compared["other_strategy"]].set_index("strategy")
    assert own["value_at_stake_covered"].idxmax() == "clv_at_risk"


def test_value_kept_sums_the_leavers_chosen_by_the_plan_one_horizon_earlier(fitted):
    """Every offer is sent on the day after that plan, so in time."""
    scores = rows_of(fitted, "gold.customer_scores")
    scores = scores[pd.to_datetime(scores["as_of"]).dt.date == BEFORE]
    labels = rows_of(fitted, "features.labels").query("horizon_days == 30")
    labels = labels[pd.to_datetime(labels["as_of"]).dt.date == BEFORE]
    known = scores.merge(labels[["customer_id", "churned"]], on="customer_id")
    assert len(known) == len(scores) and 0 < known["churned"].sum() < len(known)
    orders = rows_of(fitted, "features.transactions")
    orders = orders[pd.to_datetime(orders["as_of"]).dt.date == BEFORE]
    known = known.merge(orders[["customer_id", "total_orders"]], on="customer_id")
    p, stake = known["churn_probability"], known["value_at_stake"]
    # Without risk factors: loyalty_bonus (0.03, whenever sent) for more than 20 orders, else
    # discount_10 (0.10), redeemed by 30 %.
    share = (known["total_orders"] > 20).map({True: 0.03, False: 0.10 * 0.3})
    compared = rows_of(fitted, "gold.strategy_comparison").groupby("strategy").first()
    for strategy, first in (("churn_probability", p), ("clv_at_risk", p * stake)):
        order = known.assign(first=-first, second=-stake, third=-p, cost=share * stake)
        order = order.sort_values(["first", "second", "third", "customer_id"])
        chosen = order.head(len(known) // 5)
        # By conf, an offer keeps a fifth of the leavers.
        kept = 0.2 * (chosen["churned"] * chosen["value_at_stake"]).sum()
        assert kept > 0
        row = compared.loc[strategy]
        assert row["value_kept"] == pytest.approx(kept)
        assert row["cost"] == pytest.approx(chosen["cost"].sum())
        assert row["net_value_kept"] == pytest.approx(kept - chosen["cost"].sum())
        assert row["ci_low"] < row["net_value_kept"] < row["ci_high"]


def test_without_segments_the_message_names_the_job_that_writes_them(fitted, tmp_path):
    root = Path(shutil.copytree(fitted, tmp_path / "lakehouse", ignore=ignore_patterns("ml*")))
    shutil.rmtree(root / "gold" / "customer_segments")
    with pytest.raises(TableError) as caught:
        retention_planning.run(lifetime_context(root))
    assert str(caught.value) == (
        "gold.customer_segments: does not exist in lakehouse. "
        "Run `holdfast score_customers --env demo` first."
    )


def test_the_comparison_is_printed(fitted, capsys):
    context = lifetime_context(fitted)
    context.progress = Progress()
    retention_planning.run(context)
    said = capsys.readouterr().out
    assert "net_value (default)" in said
    for name in ("churn_probability", "clv_at_risk", "random"):
        assert f"      {name} " in said


def test_the_most_valuable_customer_has_no_rank_once_lost(fitted, tmp_path):
    root = Path(shutil.copytree(fitted, tmp_path / "lakehouse", ignore=ignore_patterns("ml*")))
    scores = of_now(rows_of(root, "gold.customer_scores"))
    whale = scores.loc[scores["value_at_stake"].idxmax(), "customer_id"]
    write_lost(lifetime_context(root), whale, days=120)

    retention_planning.run(lifetime_context(root))

    plan = rows_of(root, "gold.retention_plan")
    for _, rows in plan.groupby("strategy"):
        mine = rows[rows["customer_id"] == whale]
        assert mine["why"].tolist() == [
            "Left out: already lost, the last purchase was 120 days ago."
        ]
        assert mine["rank"].isna().all() and not mine["is_chosen"].any()
        ranks = rows[rows["rank"].notna()]
        assert sorted(ranks["rank"]) == list(range(1, len(scores)))
        assert whale not in set(ranks["customer_id"])
    # A fifth of the customers who can still be kept, who are one fewer.
    chosen = plan[plan["is_chosen"]].groupby("strategy").size()
    assert chosen["clv_at_risk"] == (len(scores) - 1) // 5


def test_a_budget_of_money_and_a_single_strategy(fitted):
    plan = rows_of(fitted, "gold.retention_plan")
    best = plan[(plan["strategy"] == "net_value") & (plan["rank"] <= 3)]
    money = float(round(best["cost"].sum() + 0.01, 2))
    options = PlanOptions("net_value", budget_money=money)
    retention_planning.run(lifetime_context(fitted), options)
    plan = rows_of(fitted, "gold.retention_plan")
    assert set(plan["strategy"]) == {"net_value"}
    assert plan.loc[plan["is_chosen"], "cost"].sum() <= money
    assert sorted(plan.loc[plan["is_chosen"], "rank"]) == [1, 2, 3]
    retention_planning.run(lifetime_context(fitted))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"strategy": "best"},
            "--strategy best: must be all or one of churn_probability, p_alive, clv_at_risk, "
            "net_value, random.",
        ),
        (
            {"budget_share": 20.0},
            "--budget-share 20.0: must be above 0 and at most 1, such as 0.2 for a fifth.",
        ),
        (
            {"budget_share": 0.2, "budget_money": 9.0},
            "--budget-share 0.2 and --budget-money 9.0: give one of them, not both.",
        ),
    ],
)
def test_a_wrong_option_is_explained(fitted, options, text):
    with pytest.raises(UsageError) as caught:
        retention_planning.run(lifetime_context(fitted), PlanOptions(**options))
    assert str(caught.value) == text
