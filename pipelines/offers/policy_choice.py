"""Compare policies on the last randomised campaign by their value, and choose the best."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.uplift.policies import Trial, best_within, first_within, policy_value
from runtime.context import Context
from runtime.settings.decisions import DecisionSettings
from transforms.offer_policies import with_factor_rule, with_value, without_rule
from transforms.offers import Offer
from transforms.uplift_samples import first_by_hash

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Floats = NDArray[np.float64]
Choices = NDArray[np.int64]
# The policies that a plan can follow. The order breaks ties.
POLICIES = ("uplift", "rules", "by_risk", "random", "treat_all", "treat_none")
OF_ONE_OFFER = ("by_risk", "random", "treat_all")
SCORES = ("gold.customer_scores", "gold.risk_factors")


class PolicyRow(TypedDict):
    """A row of gold.policy_comparison."""

    as_of: dt.date
    policy: str
    offer_id: str | None
    value_a_customer: float
    ci_low: float
    ci_high: float
    treated_share: float
    is_within_budget: bool
    is_chosen: bool
    customers: int


def facts(context: Context, armed: DataFrame, day: dt.date) -> DataFrame:
    """One row per customer of the test campaign on `day`: customer_id, value and rule_offer.

    A large campaign is limited to the customers that uplift_learning.sampled takes. rule_offer is
    null if `day` has no scores.
    """
    conf = context.settings.decisions
    sample = first_by_hash(
        armed.where("split = 'test'"), context.settings.uplift.most_rows_on_driver
    )
    rows = with_value(sample)
    if not is_scored(context, day):
        return without_rule(rows)
    scores, risk_factors = (context.slice(name, day) for name in SCORES)
    scored = scores.select("customer_id", "churn_probability")
    ruled = with_factor_rule(
        rows.join(scored, on="customer_id", how="left"),
        risk_factors,
        conf.factors.model_dump(),
        high_risk_from=conf.high_risk_from,
        many_orders=conf.many_orders,
    )
    return ruled.select("customer_id", "value", "rule_offer")


def is_scored(context: Context, day: dt.date) -> bool:
    """True if the day has scores and their risk factors."""
    return all(context.has(n) for n in SCORES) and bool(
        context.slice("gold.risk_factors", day).take(1)
    )


def compared(
    context: Context,
    sample: pd.DataFrame,
    effects: Floats,
    *,
    risks: Floats,
    offers: Sequence[Offer],
) -> list[PolicyRow]:
    """Rows of gold.policy_comparison. `sample`: the test campaign with value and rule_offer.

    effects (rows, offers) and risks (rows, arms) come from models that were not trained on the test
    campaign. `offers`: the tested offers in the order of the arms.
    """
    names = [offer.name for offer in offers]
    trial = trial_of(
        sample, risks, offers, redemption_rate=context.settings.decisions.redemption_rate
    )
    single = single_offer(trial)
    budget = budget_of(context, len(sample))
    choices = policy_choices(
        context, sample, effects, trial=trial, single=single, names=names, budget=budget
    )
    rows: list[PolicyRow] = []
    for name, chosen in choices.items():
        worth = policy_value(trial, chosen)
        used = trial.cost[np.arange(len(chosen)), chosen].sum() if budget[1] else (chosen > 0).sum()
        rows.append(
            {
                "as_of": context.as_of,
                "policy": name,
                "offer_id": names[single - 1] if name in OF_ONE_OFFER else None,
                "value_a_customer": worth.value,
                "ci_low": worth.low,
                "ci_high": worth.high,
                "treated_share": float((chosen > 0).mean()),
                "is_within_budget": bool(used <= budget[0] + 1e-9),
                "is_chosen": False,
                "customers": len(sample),
            }
        )
    within = [r for r in rows if r["is_within_budget"]]
    best = max(within, key=lambda r: (r["value_a_customer"], -POLICIES.index(r["policy"])))
    best["is_chosen"] = True
    return rows


def trial_of(
    sample: pd.DataFrame, risks: Floats, offers: Sequence[Offer], *, redemption_rate: float
) -> Trial:
    """The test campaign in the form that models.uplift.policies evaluates."""
    value = sample["value"].to_numpy(float)
    costs = [expected_cost(offer, redemption_rate, value) for offer in offers]
    return Trial(
        arm=sample["arm"].to_numpy(np.int64),
        churned=sample["churned"].to_numpy(float),
        value=value,
        risk=risks,
        share=sample[[f"e_{k}" for k in range(len(offers) + 1)]].to_numpy(float),
        cost=np.column_stack([np.zeros(len(sample)), *costs]),
    )


def expected_cost(offer: Offer, redemption_rate: float, value: Floats) -> Floats:
    """The same as transforms.offers.cost_of, with `value` in place of the 12-month CLV."""
    rate = redemption_rate if offer.is_paid_on_redemption else 1.0
    if offer.money is not None:
        return np.full(len(value), offer.money * rate)
    return np.maximum(value, 0.0) * (offer.share or 0.0) * rate


def budget_of(context: Context, customers: int) -> tuple[float, bool]:
    """The budget for this number of customers, and whether its unit is money.

    Money is scaled by `customers` per active or silent customer at as_of.
    """
    budget = context.settings.decisions.budget
    if budget.customers_share is not None:
        return float(int(customers * budget.customers_share)), False
    segments = context.slice("gold.customer_segments")
    kept = segments.where("lifecycle IN ('active', 'silent')").count()
    return (budget.money or 0.0) * customers / max(kept, 1), True


def single_offer(trial: Trial) -> int:
    """The arm with the greatest expected net value if all customers get the same offer."""
    fall = trial.risk[:, :1] - trial.risk[:, 1:]
    return int((fall * trial.value[:, None] - trial.cost[:, 1:]).mean(axis=0).argmax()) + 1


def policy_choices(
    context: Context,
    sample: pd.DataFrame,
    effects: Floats,
    *,
    trial: Trial,
    single: int,
    names: Sequence[str],
    budget: tuple[float, bool],
) -> dict[str, Choices]:
    """The arm per customer under each policy, as a plan would choose it.

    uplift and rules choose by gain and cost, by_risk and random by their priority, all within the
    budget. treat_all ignores the budget. rules is left out if no customer has a rule_offer.
    """
    rows, (limit, is_money) = len(sample), budget
    use = trial.cost[:, 1:] if is_money else np.ones((rows, len(names)))
    gain = np.where(effects > 0, effects * trial.value[:, None] - trial.cost[:, 1:], -1.0)
    choices: dict[str, Choices] = {"uplift": best_within(gain, use, limit)}
    if sample["rule_offer"].notna().any():
        choices["rules"] = rule_choices(
            sample, trial, use, names=names, conf=context.settings.decisions, limit=limit
        )
    # Rows are sorted by customer_id. The seeded draw stands for the hash of customer_id.
    luck = np.random.default_rng(context.settings.training.seed).random(rows)
    for name, priority in (("by_risk", trial.risk[:, 0]), ("random", luck)):
        choices[name] = np.where(first_within(priority, use[:, single - 1], limit), single, 0)
    choices["treat_all"] = np.full(rows, single)
    choices["treat_none"] = np.zeros(rows, dtype=np.int64)
    return choices


def rule_choices(
    sample: pd.DataFrame,
    trial: Trial,
    use: Floats,
    *,
    names: Sequence[str],
    conf: DecisionSettings,
    limit: float,
) -> Choices:
    """The arm per customer under the rules, whose effect is the one that conf assumes."""
    rows = np.arange(len(sample))
    arm = sample["rule_offer"].map({n: k for k, n in enumerate(names, 1)})
    arm = arm.fillna(0).to_numpy(np.int64)
    assumed = conf.assumed_effect * trial.risk[:, 0] * trial.value
    gain = np.where(arm > 0, assumed - trial.cost[rows, arm], -1.0)
    rule_use = np.where(arm > 0, use[rows, arm - 1], 0.0)
    is_sent = best_within(gain[:, None], rule_use[:, None], limit) > 0
    return np.where(is_sent, arm, 0)


def chosen_policy(context: Context) -> tuple[str, str | None]:
    """The chosen policy of as_of, and its offer if it has a single one.

    ("uplift", None) if no policies were compared.
    """
    if not context.has("gold.policy_comparison"):
        return "uplift", None
    chosen = context.slice("gold.policy_comparison").where("is_chosen").collect()  # one row
    return (chosen[0]["policy"], chosen[0]["offer_id"]) if chosen else ("uplift", None)
