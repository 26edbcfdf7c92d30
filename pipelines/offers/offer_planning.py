"""Decide which customer gets which offer, and when, under the budget of conf."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipelines.offers.budget_allocation import allocate
from pipelines.offers.budgets import problem_of
from pipelines.offers.campaign_results import Power, expected_conversion, power, power_said
from pipelines.offers.offer_catalog import offers_of_conf
from pipelines.offers.offer_options import measured, priced_options
from pipelines.offers.policy_choice import chosen_policy
from pipelines.offers.shadow_prices import Problem
from runtime.context import Context
from runtime.lakehouse.writes import Write
from runtime.settings.decisions import BudgetSettings
from runtime.wording import plural
from transforms.decisions import offer_decisions, offer_plan, plan_arms
from transforms.hold_out import newly_drawn, with_hold_out
from transforms.offer_policies import BY_GAIN, policy_options
from transforms.offers import has_no_amounts, with_worth_as_gain

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Policy(NamedTuple):
    """The policy of a plan. offer_id: the only offer of a policy that ranks by priority."""

    name: str
    offer_id: str | None = None


class HoldOut(NamedTuple):
    """Rows of gold.hold_out: those assigned before this plan, and those that this plan assigns."""

    known: DataFrame
    drawn: DataFrame


def run(context: Context) -> None:
    """Write gold.offer_decisions and gold.offer_plan of as_of, and new rows of gold.hold_out."""
    decisions = context.settings.decisions
    offers = offers_of_conf()
    is_money = decisions.budget.money is not None
    try:
        policy = policy_of(context)
        options = priced_options(context, offers, policy.name)
        options = policy_options(
            options, offers, policy.name, offer_id=policy.offer_id, is_money=is_money
        )
        problem = problem_of(context, context.lake.keep(options), offers)
        plan = allocate(problem, context.lake.keep)
        is_by_gain = policy.name in BY_GAIN
        rows = plan.rows if is_by_gain else with_worth_as_gain(plan.rows, offers)
        # Without amounts a gain is in purchases, and has no price.
        is_money_known = not problem.options.where(has_no_amounts()).take(1)
        price = plan.shadow_price if is_by_gain and is_money_known else None
        campaign_id = f"plan-{context.as_of}"
        wanted = context.lake.keep(
            offer_decisions(
                rows,
                offers,
                policy.name,
                campaign_id=campaign_id,
                redemption_rate=decisions.redemption_rate,
            )
        )
        held = hold_out(context, wanted)
        decided = context.lake.keep(with_hold_out(wanted, held.known.unionByName(held.drawn)))
        sizes = measurable(context, decided)
        summary = offer_plan(decided, problem.budget, problem.unit, shadow_price=price, power=sizes)
        writes = [
            Write(context.table("gold.offer_decisions"), decided, [context.as_of]),
            Write(context.table("gold.offer_plan"), summary, [context.as_of]),
        ]
        if held.drawn.take(1):
            writes.append(Write(context.table("gold.hold_out"), held.drawn, mode="merge"))
        context.write(writes)
        said = plan_said(policy.name, problem, plan.used, price=price, budget=decisions.budget)
        context.progress.say(f"      {said}")
        for row in sizes:
            context.progress.say(f"      {power_said(row)}")
    finally:
        context.lake.forget()


def policy_of(context: Context) -> Policy:
    """The policy with the highest value on held-out data; rules if no experiment was measured."""
    return Policy(*chosen_policy(context)) if measured(context) is not None else Policy("rules")


def hold_out(context: Context, decided: DataFrame) -> HoldOut:
    """The control group. Both frames are empty if decisions.hold_out_share is 0."""
    known = context.read("gold.hold_out")
    share = context.settings.decisions.hold_out_share
    if not share:
        return HoldOut(known.limit(0), known.limit(0))
    segments = context.slice("gold.customer_segments").selectExpr(
        "customer_id", "segment AS stratum"
    )
    chosen = decided.where("offer_id IS NOT NULL").select("customer_id")
    strata = chosen.join(segments, on="customer_id", how="inner")
    return HoldOut(known, context.lake.keep(newly_drawn(strata, known, share, day=context.as_of)))


def measurable(context: Context, decided: DataFrame) -> list[Power]:
    """The effect that the control group of each offer can detect, before anything is sent."""
    arms = [r.asDict() for r in plan_arms(decided).collect()]  # offers x 2
    conversion = expected_conversion(context.slice("gold.customer_scores"))
    return power(arms, conversion, context.settings.decisions.hold_out_share)


def plan_said(
    policy: str, problem: Problem, used: float, *, price: float | None, budget: BudgetSettings
) -> str:
    """The used budget, and the gain from more budget, as a sentence for the user.

    price: gain per further unit of budget; None if the policy does not choose by gain.
    """
    period = "per plan"
    if budget.rolling_days is not None:
        period = f"per {plural(budget.rolling_days, 'day')}, less the use by earlier plans"
    said = (
        f"policy {policy}: {used:,.0f} of {problem.budget:,.0f} used "
        f"(budget in {problem.unit}, {period})"
    )
    if price is None:
        return said
    if problem.unit == "money":
        return f"{said}; 1,000 more of budget would gain {1000 * price:,.0f}"
    return f"{said}; one more customer would gain {price:,.2f}"
