"""From sums of arms to rows of gold.campaign_results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from models.experiments import (
    Moments,
    anytime_p_value,
    cuped,
    customers_needed,
    difference,
    holm,
    minimum_detectable_effect,
    share_difference,
    srm_p_value,
    widened,
)

# Effects hoped for, against which a sequential look is weighed; fixed before any campaign.
HOPED_CONVERSION, HOPED_SHARE_OF_DEVIATION = 0.05, 0.1


def results(
    arms: Iterable[dict[str, Any]], metrics: Sequence[str], hold_out_share: float
) -> list[dict[str, Any]]:
    """One row a campaign, offer, segment, month and metric: the offer against the held-out.

    `arms`: rows of transforms.campaign_outcomes.moments. In a campaign of the plan an offer's
    held-out are those chosen for the same offer; else they are the campaign's. P-values of several
    offers are corrected by Holm within campaign, segment and metric.
    """
    groups: dict[tuple[str, str, str, str], list[dict[str, Any]]] = {}
    for arm in arms:
        key = (arm["campaign_id"], arm["policy"], arm["month"], arm["segment"])
        groups.setdefault(key, []).append(arm)
    found: list[dict[str, Any]] = []
    for key in sorted(groups):
        for metric in metrics:
            rows = [
                row
                for treated in groups[key]
                if treated["is_treated"]
                for row in _compared(key, treated, groups[key], metric, hold_out_share)
            ]
            corrected = holm([row["p_value"] for row in rows])
            found += [
                {**row, "p_value_corrected": p} for row, p in zip(rows, corrected, strict=True)
            ]
    return sorted(found, key=lambda r: (r["campaign_id"], r["offer_id"], r["segment"], r["metric"]))


def power(
    arms: Iterable[dict[str, Any]], conversion: float, hold_out_share: float
) -> list[dict[str, Any]]:
    """One row an offer of a campaign: the smallest change of conversion that it finds 4 times in 5,
    and how many customers, a share of them held out, would find the change that is hoped for.

    `arms`: rows of transforms.campaign_outcomes.arms_under_way, or of decisions.plan_arms;
    `conversion`: expected without it.
    """
    deviation = (conversion * (1 - conversion)) ** 0.5
    rows = list(arms)
    found = []
    for treated in [r for r in rows if r["is_treated"] and r["offer_id"] is not None]:
        held = sum(
            r["customers"]
            for r in rows
            if not r["is_treated"]
            and r["campaign_id"] == treated["campaign_id"]
            and (r["policy"] != "personalised" or r["offer_id"] == treated["offer_id"])
        )
        sizes = (treated["customers"], held)
        share = 1 - hold_out_share
        found.append(
            {
                "campaign_id": treated["campaign_id"],
                "offer_id": treated["offer_id"],
                "treated": sizes[0],
                "held_out": held,
                "found": minimum_detectable_effect(*sizes, deviation) if held else None,
                "needed": customers_needed(HOPED_CONVERSION, deviation, share)
                if 0 < share < 1 and deviation > 0
                else None,
            }
        )
    return sorted(found, key=lambda r: (r["campaign_id"], r["offer_id"]))


def expected_conversion(scores: Any) -> float:
    """The share of customers who are expected to stay; `scores`: of gold.customer_scores."""
    from pyspark.sql import functions as F

    stays = scores.agg(F.avg(1 - F.col("churn_probability"))).collect()[0][0]
    # Nothing is known to vary more than a half.
    return 0.5 if stays is None else float(stays)


def power_said(row: dict[str, Any]) -> str:
    """A row of `power` in words."""
    said = (
        f"{row['campaign_id']} {row['offer_id']}: {row['treated']:,} sent, "
        f"{row['held_out']:,} held out; "
    )
    said += (
        f"finds {100 * row['found']:.1f} points of conversion 4 times in 5"
        if row["found"] is not None
        else "nothing can be measured without a hold-out"
    )
    if row["needed"] is not None:
        said += f" ({100 * HOPED_CONVERSION:.0f} points need {row['needed']:,} customers)"
    return said


def _compared(
    key: tuple[str, str, str, str],
    treated: dict[str, Any],
    group: Sequence[dict[str, Any]],
    metric: str,
    hold_out_share: float,
) -> Iterable[dict[str, Any]]:
    is_plan = key[1] == "personalised"
    held = [
        arm
        for arm in group
        if not arm["is_treated"] and (not is_plan or arm["offer_id"] == treated["offer_id"])
    ]
    if not held or treated["offer_id"] is None:
        return
    one, other = _moments([treated], metric), _moments(held, metric)
    is_share = metric == "conversion"
    plain = share_difference(one, other) if is_share else difference(one, other)
    better = cuped(one, other, is_share)
    if plain is None or better is None:
        return
    within = (one.variance * one.count + other.variance * other.count) / (one.count + other.count)
    deviation = (widened(one + other).variance if is_share else within) ** 0.5
    hoped = HOPED_CONVERSION if is_share else HOPED_SHARE_OF_DEVIATION * deviation
    campaign, policy, month, segment = key
    yield {
        "campaign_id": campaign,
        "policy": policy,
        "offer_id": treated["offer_id"],
        "segment": segment,
        "month": month,
        "metric": metric,
        "treated": one.count,
        "held_out": other.count,
        "value_treated": one.mean,
        "value_held_out": other.mean,
        "effect": plain.effect,
        "ci_low": plain.low,
        "ci_high": plain.high,
        "p_value": plain.p_value,
        "effect_cuped": better.effect,
        "ci_low_cuped": better.low,
        "ci_high_cuped": better.high,
        "anytime_p_value": anytime_p_value(plain, hoped),
        "minimum_detectable_effect": minimum_detectable_effect(one.count, other.count, deviation),
        "srm_p_value": srm_p_value(
            {"sent": one.count, "held": other.count},
            {"sent": 1 - hold_out_share, "held": hold_out_share},
        )
        if is_plan and 0 < hold_out_share < 1
        else None,
    }


def _moments(arms: Sequence[dict[str, Any]], metric: str) -> Moments:
    def total(name: str) -> float:
        return float(sum(arm[name] for arm in arms))

    return Moments(
        int(total("customers")),
        total(f"y_{metric}"),
        total(f"yy_{metric}"),
        total("x"),
        total("xx"),
        total(f"xy_{metric}"),
    )
