"""Decide which offer goes to whom, and when, under the budget of conf."""

from __future__ import annotations

from typing import Any, NamedTuple

from pipelines.offers.budget_allocation import allocate
from pipelines.offers.budgets import problem_of
from pipelines.offers.campaign_results import expected_conversion, power, power_said
from pipelines.offers.offer_catalog import offers_of_conf
from pipelines.offers.past_contacts import past_contacts
from pipelines.offers.policy_choice import chosen_policy
from pipelines.offers.shadow_prices import Problem
from runtime.context import Context
from runtime.errors import TableError
from runtime.lakehouse.writes import Write
from udfs.shares import share_of_column


def run(context: Context) -> None:
    """gold.offer_decisions and gold.offer_plan of as_of; gold.hold_out of whom it drew."""
    from transforms.decisions import offer_decisions, offer_plan
    from transforms.hold_out import with_hold_out
    from transforms.offers import with_worth_as_gain

    decisions = context.settings.decisions
    offers = offers_of_conf()
    try:
        policy = policy_of(context)
        options = priced_options(context, offers, policy.name)
        options = context.lake.keep(followed(context, options, offers, policy))
        problem = problem_of(context, options, offers)
        plan = allocate(problem, context.lake.keep)
        is_by_gain = policy.name in ("uplift", "rules")
        rows = plan.rows if is_by_gain else with_worth_as_gain(plan.rows, offers)
        price = plan.shadow_price if is_by_gain else None
        named = (policy.name, f"plan-{context.as_of}")
        wanted = context.lake.keep(offer_decisions(rows, offers, *named, decisions.redemption_rate))
        known, drawn = hold_out(context, wanted)
        decided = context.lake.keep(with_hold_out(wanted, known.unionByName(drawn)))
        sizes = measurable(context, decided)
        summary = offer_plan(decided, problem.budget, problem.unit, price, sizes)
        writes = [
            Write(context.table("gold.offer_decisions"), decided, [context.as_of]),
            Write(context.table("gold.offer_plan"), summary, [context.as_of]),
        ]
        if drawn.take(1):
            writes.append(Write(context.table("gold.hold_out"), drawn, mode="merge"))
        context.write(writes)
        tell(context, policy.name, problem, plan.used, price)
        for row in sizes:
            context.progress.say(f"      {power_said(row)}")
    finally:
        context.lake.forget()


def hold_out(context: Context, decided: Any) -> tuple[Any, Any]:
    """gold.hold_out as it is, and those whom this plan draws; both empty without a hold-out."""
    from transforms.hold_out import newly_drawn

    known = context.read("gold.hold_out")
    share = context.settings.decisions.hold_out_share
    if not share:
        return known.limit(0), known.limit(0)
    segments = of_day(context, "gold.customer_segments", "").selectExpr(
        "customer_id", "segment AS stratum"
    )
    chosen = decided.where("offer_id IS NOT NULL").select("customer_id")
    strata = chosen.join(segments, on="customer_id", how="inner")
    return known, context.lake.keep(newly_drawn(strata, known, share, context.as_of))


def measurable(context: Context, decided: Any) -> list[dict[str, Any]]:
    """What the hold-out of each offer will be able to find, before anything is sent."""
    from transforms.decisions import plan_arms

    arms = [r.asDict() for r in plan_arms(decided).collect()]  # offers x 2
    conversion = expected_conversion(of_day(context, "gold.customer_scores", ""))
    return power(arms, conversion, context.settings.decisions.hold_out_share)


class Policy(NamedTuple):
    """By what the plan is made; one offer for all, where the policy has one."""

    name: str
    offer_id: str | None = None


def policy_of(context: Context) -> Policy:
    """The policy with the highest held-out value; rules where no experiment says anything."""
    return Policy(*chosen_policy(context)) if measured(context) is not None else Policy("rules")


def followed(context: Context, options: Any, offers: list[Any], policy: Policy) -> Any:
    """The options as the policy ranks them."""
    from transforms.offers import ranked_by

    if policy.name in ("uplift", "rules"):
        return options
    is_money = context.settings.decisions.budget.money is not None
    return ranked_by(options, offers, policy.offer_id, priority_of(policy.name), is_money)


def priority_of(policy: str) -> Any:
    """Who comes first, above 0, of a policy that does not go by gain."""
    from pyspark.sql import functions as F

    if policy == "by_risk":
        return F.col("churn_probability")
    if policy == "random":
        return share_of_column(None, "customer_id")
    return F.lit(1.0)


def priced_options(context: Context, offers: list[Any], policy: str) -> Any:
    """Every customer's options with gain and cost."""
    from transforms.decisions import people
    from transforms.offers import (
        assumed_effects,
        factor_flags,
        last_contacts,
        measured_effects,
        with_barrier,
        with_costs_and_gains,
        with_rule,
        with_send_on,
    )

    conf = context.settings.decisions
    known = people(
        of_day(context, "gold.customer_segments", "score_customers"),
        of_day(context, "gold.customer_scores", "score_customers"),
        of_day(context, "features.transactions", "build_features"),
        opt_outs(context),
    )
    fewest, most = conf.send_days_before
    dated = with_send_on(known, fewest, most)
    touched = last_contacts(past_contacts(context), offers)
    dated = with_barrier(dated.join(touched, on="customer_id", how="left"), conf.cooling_off_days)
    flags = factor_flags(of_day(context, "gold.risk_factors", ""), conf.factors.model_dump())
    ruled = with_rule(
        dated.join(flags, on="customer_id", how="left"), conf.high_risk_from, conf.many_orders
    )
    effects = None if policy == "rules" else measured(context)
    rows = (
        assumed_effects(ruled, offers, conf.assumed_effect)
        if effects is None
        else measured_effects(ruled.drop("rule", "rule_offer"), effects, offers)
    )
    return with_costs_and_gains(rows, offers, conf.redemption_rate)


def measured(context: Context) -> Any:
    """What experiments say of every customer and offer at as_of; None: nothing was estimated.

    What campaigns without a random choice suggest is for people to read; no plan follows it.
    """
    if not context.has("gold.offer_effects"):
        return None
    effects = context.read("gold.offer_effects").where(
        f"as_of = DATE'{context.as_of}' AND basis <> 'observational'"
    )
    return effects if effects.take(1) else None


def of_day(context: Context, name: str, job: str) -> Any:
    """The rows of as_of of a table; TableError where the job that makes it has not run."""
    if job:
        context.needs(name, job)
    rows = context.slice(name)
    if job and not rows.take(1):
        raise TableError(
            f"{name}: has no row for as_of {context.as_of}. Run `spark-submit jobs/{job}.py --env "
            f"{context.settings.env} --as-of {context.as_of}` first."
        )
    return rows


def opt_outs(context: Context) -> Any:
    """One row a customer with a profile at as_of: is_opted_out."""
    day = f"TIMESTAMP'{context.as_of} 00:00:00'"
    profiles = context.read("silver.customers")
    at_day = profiles.where(f"valid_from < {day} AND (valid_to IS NULL OR valid_to >= {day})")
    return at_day.select("customer_id", "is_opted_out")


def tell(context: Context, policy: str, problem: Problem, used: float, price: float | None) -> None:
    """What the plan spends, of which budget, and what more of it would bring."""
    unit, days = problem.unit, context.settings.decisions.budget.period_days
    of = "this plan" if days is None else f"{days} days, less what earlier plans sent in them"
    more = ""
    if price is not None:
        more = (
            f"; the next 1,000 of budget brings {1000 * price:,.0f}"
            if unit == "money"
            else f"; one more customer brings {price:,.2f}"
        )
    said = f"policy {policy}: {used:,.0f} of {problem.budget:,.0f} {unit} used, the budget of {of}"
    context.progress.say(f"      {said}{more}")
