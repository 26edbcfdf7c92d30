"""plan_retention on a small real lake: ranks, budgets, left out customers, invalid options."""

from __future__ import annotations

import shutil
from pathlib import Path
from shutil import ignore_patterns

import pandas as pd
import pytest

from pipelines.lifetime import retention_planning
from pipelines.lifetime.retention_planning import PlanOptions
from runtime.errors import UsageError
from tests.jobs.ingest_lake import Said
from tests.jobs.lifetime_lake import BEFORE, lifetime_context, of_now, rows_of, write_lost

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]


def test_the_plan_ranks_the_same_customers_by_every_strategy(fitted):
    plan = rows_of(fitted, "gold.retention_plan")
    scores = of_now(rows_of(fitted, "gold.customer_scores"))
    for _, rows in plan.groupby("strategy"):  # without segments nobody counts as lost
        assert sorted(rows["customer_id"]) == sorted(scores["customer_id"])
        assert sorted(rows["rank"]) == list(range(1, len(scores) + 1))
    chosen = plan[plan["is_chosen"]].groupby("strategy").size()
    assert chosen["clv_at_risk"] == chosen["random"] == len(scores) // 5
    compared = rows_of(fitted, "gold.strategy_comparison")
    own = compared[compared["strategy"] == compared["other_strategy"]].set_index("strategy")
    assert own["value_at_stake_covered"].idxmax() == "clv_at_risk"


def test_value_kept_sums_the_leavers_chosen_by_the_plan_one_horizon_earlier(fitted):
    scores = rows_of(fitted, "gold.customer_scores")
    scores = scores[pd.to_datetime(scores["as_of"]).dt.date == BEFORE]
    labels = rows_of(fitted, "features.labels").query("horizon_days == 30")
    labels = labels[pd.to_datetime(labels["as_of"]).dt.date == BEFORE]
    known = scores.merge(labels[["customer_id", "churned"]], on="customer_id")
    assert len(known) == len(scores) and 0 < known["churned"].sum() < len(known)
    p, stake = known["churn_probability"], known["value_at_stake"]
    compared = rows_of(fitted, "gold.strategy_comparison").groupby("strategy").first()
    for strategy, first in (("churn_probability", p), ("clv_at_risk", p * stake)):
        order = known.assign(first=-first, second=-stake)
        order = order.sort_values(["first", "second", "customer_id"])
        chosen = order.head(len(known) // 5)
        # By conf, an offer keeps a fifth of the leavers.
        kept = 0.2 * (chosen["churned"] * chosen["value_at_stake"]).sum()
        assert kept > 0
        row = compared.loc[strategy]
        assert row["value_kept"] == pytest.approx(kept)
        assert row["ci_low"] < kept < row["ci_high"]


def test_without_segments_a_warning_says_that_lost_customers_are_unknown(fitted):
    context = lifetime_context(fitted)
    context.progress = Said()
    retention_planning.run(context)
    assert context.progress.warnings == [
        "gold.customer_segments: has no row for 2018-01-01, so it is unknown which customers are "
        "lost: none is listed or left out. Run `spark-submit jobs/score_customers.py --env demo --as-of 2018-01-01` first."
    ]


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
