"""Effects of several campaigns pooled per policy: personalised offers and mass mailing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

POLICIES = ("personalised", "mass")
DIFFERENCE = "personalised minus mass"
METRICS = ("conversion", "retained_revenue")
# 95 % quantile of the normal distribution. The intervals of gold.campaign_results are treated as
# normal: half their width divided by this value is the standard error.
QUANTILE = 1.96


@dataclass(frozen=True)
class PooledEffect:
    """The mean effect per treated customer with its 95 % interval, for one policy and metric."""

    policy: str
    metric: str
    campaigns: int
    treated: int
    effect: float
    ci_low: float
    ci_high: float


def pooled_effects(rows: Sequence[Mapping[str, Any]]) -> list[PooledEffect]:
    """One effect per policy and metric, weighted by treated customers.

    `rows`: one row per campaign, policy, offer and metric, as in gold.campaign_results. A policy
    and metric without treated customers is left out.

    Offers of one campaign share a control group. Their errors are therefore added as if fully
    correlated, which is an upper bound. Errors of different campaigns are independent.
    """
    effects = []
    for policy in POLICIES:
        for metric in METRICS:
            own = [r for r in rows if (r["policy"], r["metric"]) == (policy, metric)]
            # A fixed order of addition: the same rows give the same sum.
            own.sort(key=lambda r: (r["campaign_id"], r["offer_id"]))
            treated = sum(r["treated"] for r in own)
            if treated:
                effects.append(_pooled(policy, metric, own, treated))
    return effects


def _pooled(
    policy: str, metric: str, rows: Sequence[Mapping[str, Any]], treated: int
) -> PooledEffect:
    errors: dict[str, float] = {}
    for r in rows:
        error = r["treated"] / treated * (r["ci_high"] - r["ci_low"]) / 2 / QUANTILE
        errors[r["campaign_id"]] = errors.get(r["campaign_id"], 0.0) + error
    effect = sum(r["effect"] * r["treated"] for r in rows) / treated
    reach = QUANTILE * sum(e**2 for e in errors.values()) ** 0.5
    return PooledEffect(
        policy, metric, len(errors), treated, effect, effect - reach, effect + reach
    )


def policy_differences(effects: Sequence[PooledEffect]) -> list[PooledEffect]:
    """Personalised minus mass: one effect per metric that both policies have.

    No campaign belongs to both policies, so their errors are independent and add in quadrature.
    """
    by_key = {(e.policy, e.metric): e for e in effects}
    differences = []
    for metric in METRICS:
        personalised, mass = (by_key.get((policy, metric)) for policy in POLICIES)
        if personalised is None or mass is None:
            continue
        effect = personalised.effect - mass.effect
        reach = sum((e.ci_high - e.effect) ** 2 for e in (personalised, mass)) ** 0.5
        differences.append(
            PooledEffect(
                DIFFERENCE,
                metric,
                personalised.campaigns + mass.campaigns,
                personalised.treated + mass.treated,
                effect,
                effect - reach,
                effect + reach,
            )
        )
    return differences


def compared_policies(rows: Sequence[Mapping[str, Any]]) -> list[PooledEffect]:
    """`pooled_effects`, followed by their `policy_differences`."""
    effects = pooled_effects(rows)
    return [*effects, *policy_differences(effects)]
