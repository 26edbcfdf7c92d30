"""Policies beside each other on the last randomised campaign, by the value they would bring."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.offers.uplift_campaigns import bounded
from runtime.context import Context

# Those that a plan can follow; the order settles ties.
POLICIES = ("uplift", "rules", "by_risk", "random", "treat_all", "treat_none")
OF_ONE_OFFER = ("by_risk", "random", "treat_all")
SCORES = ("gold.customer_scores", "gold.risk_factors")


def facts(context: Context, armed: Any, day: dt.date) -> Any:
    """One row a customer of the test campaign, which was on that day: value and rule_offer; of a
    campaign of any size those that pipelines.offers.uplift_campaigns.sampled takes, too.

    The rule is null where that day was not scored.
    """
    from pyspark.sql import functions as F

    from transforms.decisions import revenue_a_year
    from transforms.offers import factor_flags, with_rule

    of_day = f"as_of = DATE'{day}'"
    conf = context.settings.decisions
    rows = bounded(context, armed.where("split = 'test'")).select(
        "customer_id", "total_orders", F.coalesce(revenue_a_year(), F.lit(0.0)).alias("value")
    )
    if not is_scored(context, day):
        return rows.select("customer_id", "value", F.lit(None).cast("string").alias("rule_offer"))
    scores, factors = (context.read(name).where(of_day) for name in SCORES)
    flags = factor_flags(factors, conf.factors.model_dump())
    scored = scores.select("customer_id", "churn_probability")
    known = rows.join(scored, on="customer_id", how="left").join(
        flags, on="customer_id", how="left"
    )
    ruled = with_rule(known, conf.high_risk_from, conf.many_orders)
    return ruled.select("customer_id", "value", "rule_offer")


def is_scored(context: Context, day: dt.date) -> bool:
    """True: scores and their factors are there for the day."""
    return all(context.has(n) for n in SCORES) and bool(
        context.slice("gold.risk_factors", day).take(1)
    )


def compared(
    context: Context, sample: Any, effects: Any, risks: Any, offers: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Rows of gold.policy_comparison. `sample`: the test campaign with value and rule_offer.

    effects (rows, offers) and risks (rows, arms) come from models that have not seen it. `offers`:
    the tested offers of conf, by name, in the order of the arms.
    """
    from models.uplift.policies import Trial, policy_value

    names = list(offers)
    value = sample["value"].to_numpy(float)
    rate = context.settings.decisions.redemption_rate
    costs = [expected_cost(o, rate, value) for o in offers.values()]
    trial = Trial(
        arm=sample["arm"].to_numpy(np.int64),
        churned=sample["churned"].to_numpy(float),
        value=value,
        risk=risks,
        share=sample[[f"e_{k}" for k in range(len(names) + 1)]].to_numpy(float),
        cost=np.column_stack([np.zeros(len(sample)), *costs]),
    )
    single = single_offer(trial)
    budget = budget_of(context, len(sample))
    choices = policy_choices(context, sample, effects, trial, single, names, budget)
    found = []
    for name, chosen in choices.items():
        worth = policy_value(trial, chosen)
        used = trial.cost[np.arange(len(chosen)), chosen].sum() if budget[1] else (chosen > 0).sum()
        found.append(
            {
                "as_of": context.as_of,
                "policy": name,
                "offer_id": names[single - 1]
                if name in ("by_risk", "random", "treat_all")
                else None,
                "value_a_customer": worth.value,
                "ci_low": worth.low,
                "ci_high": worth.high,
                "treated_share": float((chosen > 0).mean()),
                "is_within_budget": bool(used <= budget[0] + 1e-9),
                "is_chosen": False,
                "customers": len(sample),
            }
        )
    fitting = [r for r in found if r["is_within_budget"]]
    best = max(fitting, key=lambda r: (r["value_a_customer"], -POLICIES.index(r["policy"])))
    best["is_chosen"] = True
    return found


def expected_cost(offer: Any, redemption_rate: float, value: Any) -> Any:
    """As transforms.offers.cost_of, with the value in place of the 12-month CLV."""
    rate = redemption_rate if offer.cost.paid == "redeemed" else 1.0
    if offer.cost.money is not None:
        return np.full(len(value), offer.cost.money * rate)
    return np.maximum(value, 0.0) * offer.cost.share * rate


def budget_of(context: Context, customers: int) -> tuple[float, bool]:
    """The budget for so many customers, and whether it is money (scaled to them) or a number."""
    budget = context.settings.decisions.budget
    if budget.customers_share is not None:
        return float(int(customers * budget.customers_share)), False
    day = f"as_of = DATE'{context.as_of}' AND lifecycle IN ('active', 'silent')"
    kept = context.read("gold.customer_segments").where(day).count()
    return (budget.money or 0.0) * customers / max(kept, 1), True


def single_offer(trial: Any) -> int:
    """The arm whose expected net value over all is greatest: what goes to everybody alike."""
    fall = trial.risk[:, :1] - trial.risk[:, 1:]
    return int((fall * trial.value[:, None] - trial.cost[:, 1:]).mean(axis=0).argmax()) + 1


def policy_choices(
    context: Context,
    sample: Any,
    effects: Any,
    trial: Any,
    single: int,
    names: Sequence[str],
    budget: tuple[float, bool],
) -> dict[str, Any]:
    """The arm that each policy sends each customer, within the budget (treat_all: to all), as a
    plan would: by gain and cost, or in the order of its priority."""
    from models.uplift.policies import best_within, first_within

    rows, (there, is_money) = len(sample), budget
    use = trial.cost[:, 1:] if is_money else np.ones((rows, len(names)))
    gain = np.where(effects > 0, effects * trial.value[:, None] - trial.cost[:, 1:], -1.0)
    # Rows are sorted by customer; the draw stands for a hash of the id.
    luck = np.random.default_rng(context.settings.training.seed).random(rows)
    choices: dict[str, Any] = {"uplift": best_within(gain, use, there)}
    if sample["rule_offer"].notna().any():
        arm = sample["rule_offer"].map({n: k for k, n in enumerate(names, 1)})
        arm = arm.fillna(0).to_numpy(np.int64)
        assumed = context.settings.decisions.assumed_effect * trial.risk[:, 0] * trial.value
        ruled = np.where(arm > 0, assumed - trial.cost[np.arange(rows), arm], -1.0)
        ruled_use = np.where(arm > 0, use[np.arange(rows), arm - 1], 0.0)
        is_sent = best_within(ruled[:, None], ruled_use[:, None], there) > 0
        choices["rules"] = np.where(is_sent, arm, 0)
    for name, priority in (("by_risk", trial.risk[:, 0]), ("random", luck)):
        choices[name] = np.where(first_within(priority, use[:, single - 1], there), single, 0)
    choices["treat_all"] = np.full(rows, single)
    choices["treat_none"] = np.zeros(rows, dtype=np.int64)
    return choices


def chosen_policy(context: Context) -> tuple[str, str | None]:
    """The policy that the comparison of as_of chose, and its one offer; without one, uplift."""
    if not context.has("gold.policy_comparison"):
        return "uplift", None
    day = f"as_of = DATE'{context.as_of}' AND is_chosen"
    found = context.read("gold.policy_comparison").where(day).collect()  # one row
    return (found[0]["policy"], found[0]["offer_id"]) if found else ("uplift", None)
