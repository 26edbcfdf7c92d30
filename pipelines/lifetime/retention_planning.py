"""plan_retention: rank the customers who can still be kept, and choose some under a budget.

Every strategy ranks the same customers, so that the strategies can be compared.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.context import Context
from runtime.errors import TableError, UsageError
from runtime.lakehouse.writes import Write
from runtime.settings.plan import PlanSettings
from transforms.offers import Offer
from transforms.retention_backtest import last_judged_day
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

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class PlanOptions:
    """Options of `plan_retention`. Without a budget, that of conf applies."""

    strategy: str = "all"
    budget_share: float | None = None
    budget_money: float | None = None


def run(context: Context, options: PlanOptions = PlanOptions()) -> None:
    """Write gold.retention_plan and gold.strategy_comparison of as_of."""
    share, money = budget(context.settings.plan, options)
    names = strategies(context.settings.plan, options)
    day, offer = context.as_of, offer_of(context)
    plan, limit = planned(context, day, names, share=share, money=money)
    report_left_out(context, limit.customers)
    lost = lost_at(context, day)
    kept = backtested(context, names, share=share, money=money)
    send = context.settings.plan.send_days_before
    frames = {
        "gold.retention_plan": retention_plan(plan, offer, send, lost=lost, strategies=names),
        "gold.strategy_comparison": strategy_comparison(plan, kept, offer, as_of=day, budget=limit),
    }
    context.write([Write(context.table(name), frame, [day]) for name, frame in frames.items()])
    context.lake.forget()


def budget(plan: PlanSettings, options: PlanOptions) -> tuple[float | None, float | None]:
    """(share of the customers, None) or (None, money), from the command line or conf."""
    share, money = options.budget_share, options.budget_money
    if share is not None and money is not None:
        raise UsageError(
            f"--budget-share {share} and --budget-money {money}: give one of them, not both."
        )
    if money is not None:
        if not 0 < money < math.inf:
            raise UsageError(
                f"--budget-money {money}: must be above 0 and finite, in the data's currency."
            )
        return None, money
    share = plan.budget_share if share is None else share
    if not 0 < share <= 1:
        raise UsageError(
            f"--budget-share {share}: must be above 0 and at most 1, such as 0.2 for a fifth."
        )
    return share, None


def strategies(plan: PlanSettings, options: PlanOptions) -> list[str]:
    """The strategy of the command line, or all strategies of conf."""
    known: list[str] = list(plan.strategies)
    if options.strategy == "all":
        return known
    if options.strategy not in known:
        raise UsageError(
            f"--strategy {options.strategy}: must be all or one of {', '.join(known)}."
        )
    return [options.strategy]


def offer_of(context: Context) -> AssumedOffer:
    """The offer of the plan in conf, with the effect that conf assumes."""
    kept = context.settings.plan.offer
    offer = Offer(
        name=kept.offer_id,
        share=kept.cost_share,
        money=kept.cost_money,
        is_paid_on_redemption=True,
        again_after_days=0,
        most_customers=None,
        eligible=None,
        is_in_budget=True,
    )
    return AssumedOffer(offer, kept.assumed_effect, kept.redeemed_share)


def planned(
    context: Context,
    day: dt.date,
    names: Sequence[str],
    *,
    share: float | None,
    money: float | None,
) -> tuple[DataFrame, Budget]:
    """The ranks and choices of a day, and the budget with the number of candidates."""
    context.needs("gold.customer_scores", "score_customers")
    scores = context.slice("gold.customer_scores", day)
    lost = lost_at(context, day)
    if lost is not None:
        scores = scores.join(lost.select("customer_id"), on="customer_id", how="left_anti")
    rows = context.lake.keep(with_expectations(scores, offer_of(context)))
    customers = rows.count()
    if not customers:
        raise TableError(
            f"gold.customer_scores: has no row for as_of {day}. Run `spark-submit "
            f"jobs/score_customers.py --env {context.settings.env} --as-of {day}` first."
        )
    horizon = context.settings.churn.primary_horizon_days
    plan = ranked(rows, names, horizon)
    limit = Budget(customers, share, money)
    return context.lake.keep(with_choice(plan, limit)), limit


def lost_at(context: Context, day: dt.date) -> DataFrame | None:
    """The lost customers of a day, with the reason; None: gold.customer_segments does not exist."""
    if not context.has("gold.customer_segments"):
        return None
    return lost_customers(context.slice("gold.customer_segments", day))


def report_left_out(context: Context, customers: int) -> None:
    """Report how many customers of each lifecycle have no rank; warn if this is not known."""
    name, day = "gold.customer_segments", context.as_of
    lifecycles = []
    if context.has(name):
        counts = context.slice(name, day).groupBy("lifecycle").count()
        lifecycles = counts.orderBy("lifecycle").collect()  # at most five lifecycles
    if not lifecycles:
        context.progress.warn(
            f"{name}: has no row for {day}, so it is unknown which customers are lost: none is "
            "listed or left out. Run `spark-submit jobs/score_customers.py --env "
            f"{context.settings.env} --as-of {day}` first."
        )
        return
    left_out = [r for r in lifecycles if r["lifecycle"] not in ("active", "silent")]
    counted = ", ".join(f"{r['count']:,} {r['lifecycle']}" for r in left_out)
    context.progress.say(
        f"      {customers:,} customers can be chosen; left out: {counted or 'none'}"
    )


def backtested(
    context: Context, names: Sequence[str], *, share: float | None, money: float | None
) -> DataFrame:
    """One row per strategy: the value it would have kept on an earlier day; empty without one."""
    day = earlier_day(context)
    if day is None:
        context.progress.say(
            "      no backtest: no earlier as_of has labels and scores with value_at_stake"
        )
        ddl = "strategy string, value_kept double, ci_low double, ci_high double"
        return context.spark.createDataFrame([], ddl)
    horizon = context.settings.churn.primary_horizon_days
    labels = context.slice("features.labels", day).where(f"horizon_days = {horizon}")
    plan, _ = planned(context, day, names, share=share, money=money)
    return value_kept(plan, labels.select("customer_id", "churned"), offer_of(context))


def earlier_day(context: Context) -> dt.date | None:
    """The last day with scores whose label had passed by as_of."""
    if not context.has("features.labels"):
        return None
    churn = context.settings.churn
    days = last_judged_day(
        context.read("gold.customer_scores"),
        context.read("features.labels"),
        context.as_of - churn.wait,
        horizon_days=churn.primary_horizon_days,
    )
    return days.collect()[0]["as_of"]  # one row
