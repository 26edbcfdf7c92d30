"""Decide which customer gets which offer, and when, under the budget of conf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from pipelines.offers.budget_allocation import allocate
from pipelines.offers.budgets import problem_of
from pipelines.offers.campaign_results import Power, expected_conversion, power, power_said
from pipelines.offers.offer_catalog import offers_of_conf
from pipelines.offers.past_contacts import past_contacts
from pipelines.offers.policy_choice import chosen_policy
from pipelines.offers.shadow_prices import Problem
from runtime.context import Context
from runtime.lakehouse.writes import Write
from runtime.settings.decisions import BudgetSettings
from transforms.decisions import offer_decisions, offer_plan, people, plan_arms
from transforms.hold_out import newly_drawn, with_hold_out
from transforms.offer_policies import (
    BY_GAIN,
    policy_options,
    with_factor_rule,
    with_send_on_and_barrier,
)
from transforms.offers import (
    Offer,
    assumed_effects,
    measured_effects,
    with_costs_and_gains,
    with_worth_as_gain,
)

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
        price = plan.shadow_price if is_by_gain else None
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


def measured(context: Context) -> DataFrame | None:
    """The measured effect per customer and offer at as_of; None if nothing was estimated.

    Observational effects are only reported. No plan uses them.
    """
    if not context.has("gold.offer_effects"):
        return None
    effects = context.slice("gold.offer_effects").where("basis <> 'observational'")
    return effects if effects.take(1) else None


def priced_options(context: Context, offers: Sequence[Offer], policy: str) -> DataFrame:
    """One row per customer: gain and cost of each offer."""
    conf = context.settings.decisions
    customers = people(
        context.required_slice("gold.customer_segments", "score_customers"),
        context.required_slice("gold.customer_scores", "score_customers"),
        context.required_slice("features.transactions", "build_features"),
        customers=opt_outs(context),
    )
    dated = with_send_on_and_barrier(
        customers,
        past_contacts(context),
        offers,
        send_days_before=conf.send_days_before,
        cooling_off_days=conf.cooling_off_days,
    )
    effects = None if policy == "rules" else measured(context)
    if effects is not None:
        rows = measured_effects(dated, effects, offers)
    else:
        ruled = with_factor_rule(
            dated,
            context.slice("gold.risk_factors"),
            conf.factors.model_dump(),
            high_risk_from=conf.high_risk_from,
            many_orders=conf.many_orders,
        )
        rows = assumed_effects(ruled, offers, conf.assumed_effect)
    return with_costs_and_gains(rows, offers, conf.redemption_rate)


def opt_outs(context: Context) -> DataFrame:
    """One row per customer with a profile at as_of: customer_id, is_opted_out."""
    day = f"TIMESTAMP'{context.as_of} 00:00:00'"
    profiles = context.read("silver.customers")
    at_day = profiles.where(f"valid_from < {day} AND (valid_to IS NULL OR valid_to >= {day})")
    return at_day.select("customer_id", "is_opted_out")


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
    if budget.period_days is not None:
        period = f"per {budget.period_days} days, less the use by earlier plans"
    said = (
        f"policy {policy}: {used:,.0f} of {problem.budget:,.0f} used "
        f"(budget in {problem.unit}, {period})"
    )
    if price is None:
        return said
    if problem.unit == "money":
        return f"{said}; 1,000 more of budget would gain {1000 * price:,.0f}"
    return f"{said}; one more customer would gain {price:,.2f}"
