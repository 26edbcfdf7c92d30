"""gold.strategy_comparison: the strategies side by side, with a back-test on a past plan."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame, functions as F

from contracts.gold_plans import STRATEGY_COMPARISON
from transforms.conform import conform
from transforms.retention_plan import Budget
from udfs.normal import NORMAL_95

OF_BACKTEST = "value_kept double, cost double, net_value_kept double, ci_low double, ci_high double"


def inactivity_outcomes(
    labels: DataFrame, *, outcome_on: dt.date, sent_before_days: int
) -> DataFrame:
    """One row per customer: churned, and send_by, the last day on which an offer counts.

    The outcome is decided on `outcome_on`, the end of the horizon: as_of + lead + horizon. An offer
    counts if it was sent at least `sent_before_days` days before.
    """
    send_by = F.date_add(F.lit(outcome_on).cast("date"), -sent_before_days).cast("date")
    return labels.select("customer_id", "churned", send_by.alias("send_by"))


def termination_outcomes(labels: DataFrame, terminations: DataFrame, since: dt.date) -> DataFrame:
    """One row per customer: churned, and send_by, the day before the contract ended.

    `terminations`: customer_id and terminated_at; the first since the day of the plan, `since`,
    counts. send_by is null for customers who have not ended their contract.
    """
    ends = terminations.select("customer_id", F.col("terminated_at").cast("date").alias("day"))
    first = ends.where(F.col("day") >= F.lit(since).cast("date"))
    first = first.groupBy("customer_id").agg(F.min("day").alias("day"))
    joined = labels.select("customer_id", "churned").join(first, on="customer_id", how="left")
    return joined.select(
        "customer_id", "churned", F.date_add(F.col("day"), -1).cast("date").alias("send_by")
    )


def value_kept(plan: DataFrame, outcomes: DataFrame, effect: float) -> DataFrame:
    """One row per strategy: value_kept, cost and net_value_kept of a past plan, in currency.

    ci_low and ci_high are the 95 % interval of net_value_kept, that of a sum over independent
    customers. `plan` comes from `with_choice` of the past day, `outcomes` has customer_id, churned
    and send_by. A chosen customer who churned keeps effect x value_at_stake if the offer was sent
    by send_by; every chosen customer has the cost. All are null where no value is known. With an
    effect of 0.2 and a cost of 3:

    | is_chosen | churned | send_on | send_by | value_at_stake | value_kept | net_value_kept |
    |---|---|---|---|---|---|---|
    | true | 1 | 2026-01-02 | 2026-01-24 | 100 | 0.2 * 100 = 20 | 20 - 3 = 17 |
    | true | 1 | 2026-01-25 | 2026-01-24 | 100 | 0 | -3 |
    | true | 0 | 2026-01-02 | 2026-01-24 | 100 | 0 | -3 |
    | false | 1 | 2026-01-02 | 2026-01-24 | 100 | 0 | 0 |
    """
    known = plan.join(outcomes, on="customer_id", how="inner").select(
        "strategy", "is_chosen", "churned", "send_on", "send_by", "value_at_stake", "cost"
    )
    is_kept = F.col("is_chosen") & (F.col("churned") == 1) & (F.col("send_on") <= F.col("send_by"))
    kept = F.when(is_kept, F.col("value_at_stake") * F.lit(effect))
    spent = F.when(F.col("is_chosen"), F.col("cost"))
    is_worth = F.col("value_at_stake").isNotNull()
    each = known.select(
        "strategy",
        F.when(is_worth, F.coalesce(kept, F.lit(0.0))).alias("kept"),
        F.when(is_worth, F.coalesce(spent, F.lit(0.0))).alias("spent"),
    )
    netted = each.select("*", (F.col("kept") - F.col("spent")).alias("net"))
    sums = netted.groupBy("strategy").agg(
        F.sum("kept").alias("value_kept"),
        F.sum("spent").alias("cost"),
        F.sum("net").alias("net_value_kept"),
        (F.sqrt(F.count("net")) * F.coalesce(F.stddev("net"), F.lit(0.0))).alias("error"),
    )
    margin = F.col("error") * NORMAL_95
    return sums.select(
        "strategy",
        "value_kept",
        "cost",
        "net_value_kept",
        (F.col("net_value_kept") - margin).alias("ci_low"),
        (F.col("net_value_kept") + margin).alias("ci_high"),
    )


def strategy_comparison(
    plan: DataFrame, kept: DataFrame, rows: DataFrame, *, as_of: dt.date, budget: Budget, basis: str
) -> DataFrame:
    """One row per pair of strategies, as in gold.strategy_comparison.

    `plan` comes from `with_choice`, `kept` from `value_kept`, `rows` from `plan_rows`: they hold
    all customers who can be kept. `basis`: the assumption behind the effect and the cost.
    """
    is_next = (budget.further().chooses() & ~F.col("is_chosen")).cast("int")
    at_risk = F.when(F.col("is_chosen"), F.col("value_at_risk"))
    own = plan.groupBy("strategy").agg(
        F.sum(F.col("is_chosen").cast("int")).alias("chosen"),
        F.sum(at_risk).alias("at_risk"),
        F.sum(is_next * F.col("expected_value_kept")).alias("next_1pct_value"),
        F.sum(is_next * F.col("cost")).alias("next_1pct_cost"),
    )
    chosen = plan.where("is_chosen").select("strategy", "customer_id")
    other = chosen.select(F.col("strategy").alias("other_strategy"), "customer_id")
    shared = (
        chosen.join(other, on="customer_id", how="inner")
        .groupBy("strategy", "other_strategy")
        .agg(F.count("*").alias("both"))
    )
    others = own.select(
        F.col("strategy").alias("other_strategy"), F.col("chosen").alias("other_chosen")
    )
    pairs = own.crossJoin(others).join(shared, on=["strategy", "other_strategy"], how="left")
    pairs = pairs.join(kept, on="strategy", how="left")
    pairs = pairs.crossJoin(rows.agg(F.sum("value_at_risk").alias("all_at_risk")))  # one row
    counted = pairs.select("*", F.coalesce(F.col("both"), F.lit(0)).alias("shared"))
    either = F.col("chosen") + F.col("other_chosen") - F.col("shared")
    total = F.col("all_at_risk")
    compared = counted.select(
        *counted.columns,
        F.lit(as_of).cast("date").alias("as_of"),
        F.when(either > 0, F.col("shared") / either).alias("jaccard"),
        F.when(total > 0, F.coalesce(F.col("at_risk"), F.lit(0.0)) / total).alias(
            "value_at_stake_covered"
        ),
        F.lit(basis).alias("assumption"),
    )
    return conform(compared, STRATEGY_COMPARISON)
