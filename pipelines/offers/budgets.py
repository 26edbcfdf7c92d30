"""Budget and caps of a plan: those of conf, less their use by earlier plans of the period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipelines.offers.shadow_prices import Problem
from runtime.context import Context
from runtime.settings.decisions import BudgetSettings
from runtime.settings.offers import valid_days
from transforms.offers import Offer
from transforms.retention_plan import Budget
from transforms.standing_decisions import budget_used

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def problem_of(context: Context, options: DataFrame, offers: Sequence[Offer]) -> Problem:
    """The options under the budget and the caps of conf."""
    kept = options.where("lifecycle IN ('active', 'silent')").count()
    limit = limit_of(context, context.settings.decisions.budget, offers, customers=kept)
    within = [o.name for o in offers if o.is_in_budget]
    return Problem(options, within, limit.unit, limit.size, limit.caps)


def limit_of(
    context: Context, budget: BudgetSettings, offers: Sequence[Offer], *, customers: int
) -> Budget:
    """The budget and the caps of a plan of this number of active and silent customers.

    Without rolling_days they hold per plan. With it, what earlier plans used in these days is
    subtracted; the remainder is never below 0.
    """
    unit, size = budget_of(budget, customers)
    used = used_of_period(context)
    spent = sum(r["expected_cost" if unit == "money" else "customers"] for r in used.values())
    caps = {
        o.name: max(o.most_customers - int(used[o.name]["customers"] if o.name in used else 0), 0)
        for o in offers
        if o.is_in_budget and o.most_customers is not None
    }
    return Budget(max(size - spent, 0.0), unit, customers, caps)


def budget_of(budget: BudgetSettings, customers: int) -> tuple[str, float]:
    """Unit and size of the budget. A share is a share of the active and silent customers."""
    if budget.money is not None:
        return "money", budget.money
    # 0.29 x 100 is 28.999999999999996.
    return "customers", float(int(customers * (budget.customers_share or 0.0) + 1e-9))


def used_of_period(context: Context) -> dict[str, Mapping[str, float]]:
    """customers and expected_cost per offer, as in standing_decisions.budget_used.

    Empty if the budget holds per plan.
    """
    days = context.settings.decisions.budget.rolling_days
    if days is None:
        return {}
    earlier = context.read("gold.offer_decisions").where(f"as_of < DATE'{context.as_of}'")
    outbox = context.read("gold.outbox")
    used = budget_used(earlier, outbox, valid_days(), day=context.as_of, period_days=days)
    rows = [row.asDict() for row in used.collect()]  # offers
    return {row["offer_id"]: row for row in rows}
