"""Whom to keep under a budget: every strategy on the same customers, beside each other."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runtime.context import Context
from runtime.errors import TableError, UsageError
from runtime.lakehouse.writes import Write
from runtime.settings.lifetime import PlanSettings
from transforms.offers import Offer
from transforms.retention_plan import AssumedOffer


@dataclass(frozen=True)
class PlanOptions:
    """Options of `plan_retention`. Without a budget the one of conf holds."""

    strategy: str = "all"
    budget_share: float | None = None
    budget_money: float | None = None


def run(context: Context, options: PlanOptions = PlanOptions()) -> None:
    """gold.retention_plan and strategy_comparison of as_of."""
    from transforms.retention_plan import retention_plan, strategy_comparison

    share, money = budget(context.settings.plan, options)
    names = strategies(context.settings.plan, options)
    day, offer = context.as_of, offer_of(context)
    plan, means = planned(context, day, share, money, names)
    say_who_is_left_out(context, means.customers)
    lost = lost_at(context, day)
    kept = backtested(context, share, money, names)
    send = context.settings.plan.send_days_before
    frames = {
        "gold.retention_plan": retention_plan(plan, offer, send, lost, names),
        "gold.strategy_comparison": strategy_comparison(plan, kept, offer, day, means),
    }
    context.write([Write(context.table(name), frame, [day]) for name, frame in frames.items()])
    context.lake.forget()


def budget(plan: PlanSettings, options: PlanOptions) -> tuple[float | None, float | None]:
    """(share of customers, None) or (None, money), from the command or conf."""
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
    """One strategy by name, or all of conf."""
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
    share: float | None,
    money: float | None,
    names: Sequence[str],
) -> tuple[Any, Any]:
    """Ranks and choices at a day, and the Budget, which says how many there were to choose from."""
    from transforms.retention_plan import Budget, ranked, with_choice, with_expectations

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
    means = Budget(customers, share, money)
    return context.lake.keep(with_choice(plan, means)), means


def lost_at(context: Context, day: dt.date) -> Any | None:
    """The customers whom no plan of the day can keep, with why; None: no segments are known."""
    from transforms.retention_plan import lost_customers

    if not context.has("gold.customer_segments"):
        return None
    return lost_customers(context.slice("gold.customer_segments", day))


def say_who_is_left_out(context: Context, customers: int) -> None:
    """How many customers of each lifecycle have no rank; a warning where it is not known."""
    from pyspark.sql import functions as F

    name, day = "gold.customer_segments", context.as_of
    lifecycles = []
    if context.has(name):
        rows = context.slice(name, day).groupBy("lifecycle")
        # At most the five lifecycles.
        lifecycles = rows.agg(F.count("*").alias("n")).orderBy("lifecycle").collect()
    if not lifecycles:
        context.progress.warn(
            f"{name}: has no row for {day}, so lost customers are neither named nor left out. Run "
            f"`spark-submit jobs/score_customers.py --env {context.settings.env} --as-of {day}` "
            "first."
        )
        return
    left_out = [r for r in lifecycles if r["lifecycle"] not in ("active", "silent")]
    said = ", ".join(f"{r['n']:,} {r['lifecycle']}" for r in left_out)
    context.progress.say(
        f"      {customers:,} customers to choose from; left out: {said or 'none'}"
    )


def backtested(
    context: Context, share: float | None, money: float | None, names: Sequence[str]
) -> Any:
    """What the strategies would have kept a horizon earlier; empty: nothing was scored then."""
    from transforms.retention_plan import value_kept

    day = earlier_day(context)
    if day is None:
        context.progress.say("      no earlier scores with worth and labels: no backtest")
        ddl = "strategy string, value_kept double, ci_low double, ci_high double"
        return context.spark.createDataFrame([], ddl)
    horizon = context.settings.churn.primary_horizon_days
    labels = context.read("features.labels").where(
        f"as_of = DATE'{day}' AND horizon_days = {horizon}"
    )
    plan, _ = planned(context, day, share, money, names)
    return value_kept(plan, labels.select("customer_id", "churned"), offer_of(context))


def earlier_day(context: Context) -> dt.date | None:
    """The last scored day whose label has passed by as_of."""
    if not context.has("features.labels"):
        return None
    churn = context.settings.churn
    last = context.as_of - churn.wait
    scored = context.read("gold.customer_scores").where(
        f"as_of <= DATE'{last}' AND value_at_stake IS NOT NULL"
    )
    labelled = context.read("features.labels").where(
        f"as_of <= DATE'{last}' AND horizon_days = {churn.primary_horizon_days}"
    )
    both = (
        scored.select("as_of")
        .distinct()
        .join(labelled.select("as_of").distinct(), on="as_of", how="inner")
    )
    return both.agg({"as_of": "max"}).collect()[0][0]  # one row
