"""What a plan may spend: the budget and the caps of conf, less what its period has seen of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.offers.shadow_prices import Problem
from runtime.context import Context
from runtime.settings.offers import valid_days


def problem_of(context: Context, options: Any, offers: Sequence[Any]) -> Problem:
    """The options under the budget and the caps of conf: of this plan alone, or, with
    decisions.budget.period_days, what earlier plans left of them; never below 0."""
    within = [o for o in offers if o.is_in_budget]
    unit, budget = budget_of(context, options)
    used = used_of_period(context)
    spent = sum(r["expected_cost" if unit == "money" else "customers"] for r in used.values())
    caps = {
        o.name: max(o.most_customers - (used[o.name]["customers"] if o.name in used else 0), 0)
        for o in within
        if o.most_customers is not None
    }
    return Problem(options, [o.name for o in within], unit, max(budget - spent, 0.0), caps)


def budget_of(context: Context, options: Any) -> tuple[str, float]:
    """The budget of conf: its unit, and how much of it. A share is one of those who can be kept."""
    budget = context.settings.decisions.budget
    if budget.money is not None:
        return "money", budget.money
    kept = options.where("lifecycle IN ('active', 'silent')").count()
    return "customers", float(int(kept * (budget.customers_share or 0.0)))


def used_of_period(context: Context) -> dict[str, Any]:
    """Per offer its row of standing_decisions.budget_used. Empty if budgets are per plan."""
    from transforms.standing_decisions import budget_used

    days = context.settings.decisions.budget.period_days
    if days is None:
        return {}
    earlier = context.read("gold.offer_decisions").where(f"as_of < DATE'{context.as_of}'")
    outbox = context.read("gold.outbox")
    used = budget_used(earlier, outbox, valid_days(), context.as_of, days)
    return {r["offer_id"]: r for r in used.collect()}  # offers
