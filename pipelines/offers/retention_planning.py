"""plan_retention: rank the customers who can still be kept, and choose some under a budget.

Every strategy ranks the same customers, with the offers, costs and days of decide_offers, so that
the strategies can be compared.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.offers.budgets import limit_of
from pipelines.offers.consent import say_held_back
from pipelines.offers.offer_catalog import offers_of_conf
from pipelines.offers.offer_options import priced_options
from pipelines.offers.strategy_table import strategy_table
from runtime.context import Context
from runtime.errors import TableError
from runtime.lakehouse.writes import Write
from runtime.settings.decisions import BudgetSettings, DecisionSettings
from runtime.wording import plural
from transforms.offers import Offer
from transforms.retention_backtest import last_judged_day
from transforms.retention_plan import (
    Budget,
    lost_customers,
    plan_rows,
    ranked,
    retention_plan,
    with_choice,
)
from transforms.strategy_comparison import (
    OF_BACKTEST,
    inactivity_outcomes,
    strategy_comparison,
    termination_outcomes,
    value_kept,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class PlanOptions:
    """Options of `plan_retention`. Without a budget, that of conf (decisions.budget) applies."""

    strategy: str = "all"
    budget_share: float | None = None
    budget_money: float | None = None


@dataclass(frozen=True)
class Planned:
    """A plan of one day.

    rows: one row per active or silent customer. plan: the ranks and choices of those whose offer
    can be sent in the period. limit: the budget.
    """

    rows: DataFrame
    plan: DataFrame
    limit: Budget


def run(context: Context, options: PlanOptions = PlanOptions()) -> None:
    """Write gold.retention_plan and gold.strategy_comparison of as_of."""
    conf = context.settings
    limits = conf.decisions.budget.chosen(options.budget_share, options.budget_money)
    chosen = conf.plan.chosen(options.strategy)
    offers, day = offers_of_conf(), context.as_of
    rows = rows_of(context, offers)
    names = named(chosen, is_alive_known=bool(rows.where("p_alive IS NOT NULL").take(1)))
    now = planned(context, rows, offers, names=names, limits=limits)
    report_timing(context, now.rows)
    lost = lost_customers(context.slice("gold.customer_segments"))
    kept = backtested(context, offers, names=names, limits=limits)
    compared = context.lake.keep(
        strategy_comparison(
            now.plan, kept, now.rows, as_of=day, budget=now.limit, basis=assumption(conf.decisions)
        )
    )
    frames = {
        "gold.retention_plan": retention_plan(now.plan, now.rows, lost, strategies=list(names)),
        "gold.strategy_comparison": compared,
    }
    context.write([Write(context.table(name), frame, [day]) for name, frame in frames.items()])
    report_consent(context, now.plan, names)
    own = compared.where("strategy = other_strategy")
    # At most one row per strategy.
    table = [row.asDict() for row in own.orderBy("strategy").collect()]
    for line in strategy_table(table, list(names), default=conf.plan.default_strategy):
        context.progress.say(f"      {line}")
    context.lake.forget()


def named(strategies: Sequence[str], *, is_alive_known: bool) -> dict[str, str]:
    """The strategy by its name in the tables: p_alive is expected_purchases without P(alive)."""
    return {
        "expected_purchases" if s == "p_alive" and not is_alive_known else s: s for s in strategies
    }


def assumption(conf: DecisionSettings) -> str:
    """One sentence that states the source of the effect and of the cost."""
    return (
        "assumed in conf, not measured: each offer lowers the churn probability by "
        f"{100 * conf.assumed_effect:g} % of its value; costs are those of conf/offers.yaml, and "
        f"{100 * conf.redemption_rate:g} % redeem a discount"
    )


def rows_of(context: Context, offers: Sequence[Offer]) -> DataFrame:
    """One row per active or silent customer at as_of, with the offer of the rules."""
    rows = context.lake.keep(plan_rows(priced_options(context, offers, "rules"), offers))
    if not rows.take(1):
        raise TableError(
            f"gold.customer_segments: has no active or silent customer at {context.as_of}, so "
            "there is nothing to plan. Use another --as-of."
        )
    return rows


def planned(
    context: Context,
    rows: DataFrame,
    offers: Sequence[Offer],
    *,
    names: Mapping[str, str],
    limits: BudgetSettings,
) -> Planned:
    """The ranks and choices at as_of."""
    limit = limit_of(context, limits, offers, customers=rows.count())
    horizon = context.settings.churn.primary_horizon_days
    plan = with_choice(ranked(rows, names, horizon), limit)
    return Planned(rows, context.lake.keep(plan), limit)


def report_timing(context: Context, rows: DataFrame) -> None:
    """Report how many customers can be sent an offer in the period, and how many cannot."""
    counts = {r["timing"]: r["count"] for r in rows.groupBy("timing").count().collect()}  # four
    days = context.settings.decisions.period_days
    context.progress.say(
        f"      {sum(counts.values()):,} active and silent customers; an offer can be sent to "
        f"{counts.get('now', 0):,} tomorrow and to {counts.get('in_period', 0):,} within "
        f"{plural(days, 'day')}; later: {counts.get('later', 0):,}, never: "
        f"{counts.get('never', 0):,}"
    )


def report_consent(context: Context, plan: DataFrame, names: Mapping[str, str]) -> None:
    """Report the chosen customers of unknown consent, under the default strategy or the only."""
    default = context.settings.plan.default_strategy
    by_strategy = {strategy: name for name, strategy in names.items()}
    shown = by_strategy.get(default, next(iter(names)))
    chosen = plan.where(f"is_chosen AND strategy = '{shown}'")
    say_held_back(context, chosen, f"customers chosen by {shown}")


def backtested(
    context: Context,
    offers: Sequence[Offer],
    *,
    names: Mapping[str, str],
    limits: BudgetSettings,
) -> DataFrame:
    """One row per strategy: what it would have kept on an earlier day; empty without one."""
    day = earlier_day(context)
    if day is None:
        context.progress.say(
            "      no backtest: no earlier as_of has labels, scores with value_at_stake and "
            "segments"
        )
        return context.spark.createDataFrame([], f"strategy string, {OF_BACKTEST}")
    then = context.at(day)
    plan = planned(then, rows_of(then, offers), offers, names=names, limits=limits).plan
    return value_kept(plan, outcomes(then), context.settings.decisions.assumed_effect)


def outcomes(context: Context) -> DataFrame:
    """One row per customer with a label at as_of: churned, and the last day to send an offer."""
    churn, day = context.settings.churn, context.as_of
    labels = context.slice("features.labels").where(f"horizon_days = {churn.primary_horizon_days}")
    if churn.definition == "termination":
        return termination_outcomes(labels, context.read("silver.terminations"), day)
    before = context.settings.decisions.sent_before_outcome_days
    return inactivity_outcomes(labels, outcome_on=day + churn.wait, sent_before_days=before)


def earlier_day(context: Context) -> dt.date | None:
    """The last day with scores and segments whose label had passed by as_of."""
    if not context.has("features.labels"):
        return None
    churn = context.settings.churn
    days = last_judged_day(
        context.read("gold.customer_scores"),
        context.read("features.labels"),
        context.as_of - churn.wait,
        horizon_days=churn.primary_horizon_days,
    )
    day = days.collect()[0]["as_of"]  # one row
    if day is None or not context.slice("gold.customer_segments", day).take(1):
        return None
    return day
