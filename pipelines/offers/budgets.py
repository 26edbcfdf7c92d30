"""Budget and caps of a plan: those of conf, less their use by earlier plans of the period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipelines.offers.shadow_prices import Problem
from runtime.context import Context
from runtime.settings.decisions import BudgetSettings
from runtime.settings.offers import valid_days
from transforms.offers import Offer
from transforms.standing_decisions import budget_used

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def problem_of(context: Context, options: DataFrame, offers: Sequence[Offer]) -> Problem:
    """The options under the budget and the caps of conf.

    Without decisions.budget.period_days they hold per plan. With it, what earlier plans used in the
    period is subtracted; the rest is never below 0.
    """
    within = [o for o in offers if o.is_in_budget]
    unit, budget = budget_of(context.settings.decisions.budget, options)
    used = used_of_period(context)
    spent = sum(r["expected_cost" if unit == "money" else "customers"] for r in used.values())
    caps = {
        o.name: max(o.most_customers - int(used[o.name]["customers"] if o.name in used else 0), 0)
        for o in within
        if o.most_customers is not None
    }
    return Problem(options, [o.name for o in within], unit, max(budget - spent, 0.0), caps)


def budget_of(budget: BudgetSettings, options: DataFrame) -> tuple[str, float]:
    """Unit and size of the budget. A share is a share of the active and silent customers."""
    if budget.money is not None:
        return "money", budget.money
    kept = options.where("lifecycle IN ('active', 'silent')").count()
    return "customers", float(int(kept * (budget.customers_share or 0.0)))


def used_of_period(context: Context) -> dict[str, Mapping[str, float]]:
    """customers and expected_cost per offer, as in standing_decisions.budget_used.

    Empty if the budget holds per plan.
    """
    days = context.settings.decisions.budget.period_days
    if days is None:
        return {}
    earlier = context.read("gold.offer_decisions").where(f"as_of < DATE'{context.as_of}'")
    outbox = context.read("gold.outbox")
    used = budget_used(earlier, outbox, valid_days(), day=context.as_of, period_days=days)
    rows = [row.asDict() for row in used.collect()]  # offers
    return {row["offer_id"]: row for row in rows}
