"""Rows of gold.campaign_results, from sums per arm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

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
from runtime.wording import plural
from transforms.offer_policies import mean_retention

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# The effects that a sequential test is designed for, fixed before any campaign: a change of
# conversion, and for other metrics a share of their standard deviation.
HOPED_CONVERSION, HOPED_SHARE_OF_DEVIATION = 0.05, 0.1
# A row of transforms.campaign_outcomes.moments, arms_under_way or decisions.plan_arms: the keys and
# the number of customers of one arm; `moments` also has sums per metric.
Arm = Mapping[str, Any]


class CampaignResult(TypedDict):
    """A row of gold.campaign_results."""

    campaign_id: str
    policy: str
    offer_id: str
    segment: str
    month: str
    metric: str
    treated: int
    held_out: int
    value_treated: float
    value_held_out: float
    effect: float
    ci_low: float
    ci_high: float
    p_value: float
    p_value_corrected: float
    effect_cuped: float
    ci_low_cuped: float
    ci_high_cuped: float
    anytime_p_value: float
    minimum_detectable_effect: float
    srm_p_value: float | None


class Power(TypedDict):
    """What the control group of an offer can show.

    detectable: the smallest change of conversion that is detected with a power of 80 %; None
    without a control group. needed: the customers, control group included, that detect
    HOPED_CONVERSION; None without a hold-out share.
    """

    campaign_id: str
    offer_id: str
    treated: int
    held_out: int
    detectable: float | None
    needed: int | None


class Group(NamedTuple):
    """The key of the arms that are compared with each other."""

    campaign_id: str
    policy: str
    month: str
    segment: str


def results(
    arms: Iterable[Arm],
    metrics: Sequence[str],
    hold_out_share: float,
    *,
    intended: Mapping[str, float] | None = None,
) -> list[CampaignResult]:
    """One row per campaign, offer, segment, month and metric: treated against control group.

    `arms`: rows of transforms.campaign_outcomes.moments. In a campaign of a plan, the control group
    of an offer are the customers held out from the same offer. In any other campaign all held-out
    customers are the control group. P-values of several offers are corrected by Holm within
    campaign, segment and metric. `intended`: the intended share of customers with an offer, by
    campaign, for the sample-ratio test of campaigns that no plan made.
    """
    shares = intended or {}
    groups: dict[Group, list[Arm]] = {}
    for arm in arms:
        key = Group(arm["campaign_id"], arm["policy"], arm["month"], arm["segment"])
        groups.setdefault(key, []).append(arm)
    rows: list[CampaignResult] = []
    for key in sorted(groups):
        for metric in metrics:
            compared = [
                row
                for treated in groups[key]
                if treated["is_treated"]
                for row in _compared(
                    key,
                    treated,
                    groups[key],
                    metric=metric,
                    ratio_p_value=_ratio_p_value(
                        key, treated, groups[key], hold_out_share=hold_out_share, intended=shares
                    ),
                )
            ]
            corrected = holm([row["p_value"] for row in compared])
            for row, p_value in zip(compared, corrected, strict=True):
                row["p_value_corrected"] = p_value
            rows += compared
    return sorted(rows, key=lambda r: (r["campaign_id"], r["offer_id"], r["segment"], r["metric"]))


def power(arms: Iterable[Arm], conversion: float, hold_out_share: float) -> list[Power]:
    """One row per campaign and offer: the effect that its control group can detect.

    `arms`: rows of transforms.campaign_outcomes.arms_under_way or of decisions.plan_arms.
    `conversion`: the expected conversion without the offer.
    """
    deviation = (conversion * (1 - conversion)) ** 0.5
    share = 1 - hold_out_share
    is_planned = 0 < share < 1 and deviation > 0
    needed = customers_needed(HOPED_CONVERSION, deviation, share) if is_planned else None
    all_arms = list(arms)
    rows: list[Power] = []
    for arm in all_arms:
        if not arm["is_treated"] or arm["offer_id"] is None:
            continue
        treated = arm["customers"]
        held = sum(control["customers"] for control in _controls_of(arm, all_arms))
        rows.append(
            {
                "campaign_id": arm["campaign_id"],
                "offer_id": arm["offer_id"],
                "treated": treated,
                "held_out": held,
                "detectable": minimum_detectable_effect(treated, held, deviation) if held else None,
                "needed": needed,
            }
        )
    return sorted(rows, key=lambda r: (r["campaign_id"], r["offer_id"]))


def expected_conversion(scores: DataFrame) -> float:
    """The mean probability of staying, from rows of gold.customer_scores.

    0.5 without scores: the variance of a share is greatest there.
    """
    retention = mean_retention(scores).collect()[0]["retention"]  # one row
    return 0.5 if retention is None else float(retention)


def power_said(row: Power) -> str:
    """A row of `power` as a sentence for the user."""
    sizes = (
        f"{row['campaign_id']} {row['offer_id']}: {plural(row['treated'], 'customer')} with the "
        f"offer, {row['held_out']:,} in the control group; "
    )
    finds = (
        f"detects a change in conversion of {100 * row['detectable']:.1f} percentage points with a "
        "power of 80 %"
        if row["detectable"] is not None
        else "no effect can be measured without a control group"
    )
    if row["needed"] is None:
        return sizes + finds
    points = f"{100 * HOPED_CONVERSION:.0f} percentage points"
    return f"{sizes}{finds} ({points} need {plural(row['needed'], 'customer')})"


def _controls_of(treated: Arm, arms: Sequence[Arm]) -> list[Arm]:
    """The control arms of a treated arm's campaign, for its offer if the campaign is of a plan."""
    return [
        arm
        for arm in arms
        if not arm["is_treated"]
        and arm["campaign_id"] == treated["campaign_id"]
        and (arm["policy"] != "personalised" or arm["offer_id"] == treated["offer_id"])
    ]


def _ratio_p_value(
    key: Group,
    treated: Arm,
    group: Sequence[Arm],
    *,
    hold_out_share: float,
    intended: Mapping[str, float],
) -> float | None:
    """The sample-ratio test of a treated arm. None without a control group or an intended share.

    In a campaign of a plan, the customers of the offer and its control group are compared with the
    hold-out share. In any other campaign, all customers with an offer and the control group are
    compared with the intended share of the campaign.
    """
    is_plan = key.policy == "personalised"
    share = 1 - hold_out_share if is_plan else intended.get(key.campaign_id, 0.0)
    held = sum(arm["customers"] for arm in _controls_of(treated, group))
    if not 0 < share < 1 or not held:
        return None
    sent = [treated] if is_plan else [arm for arm in group if arm["is_treated"]]
    counts = {"sent": sum(arm["customers"] for arm in sent), "held": held}
    return srm_p_value(counts, {"sent": share, "held": 1 - share})


def _compared(
    key: Group,
    treated: Arm,
    group: Sequence[Arm],
    *,
    metric: str,
    ratio_p_value: float | None,
) -> Iterator[CampaignResult]:
    """At most one row; none without a control group or where no difference can be computed."""
    held = _controls_of(treated, group)
    if not held or treated["offer_id"] is None:
        return
    sent, control = _moments([treated], metric), _moments(held, metric)
    is_share = metric == "conversion"
    plain = share_difference(sent, control) if is_share else difference(sent, control)
    better = cuped(sent, control, is_share)
    if plain is None or better is None:
        return
    count = sent.count + control.count
    within = (sent.variance * sent.count + control.variance * control.count) / count
    deviation = (widened(sent + control).variance if is_share else within) ** 0.5
    hoped = HOPED_CONVERSION if is_share else HOPED_SHARE_OF_DEVIATION * deviation
    yield {
        "campaign_id": key.campaign_id,
        "policy": key.policy,
        "offer_id": treated["offer_id"],
        "segment": key.segment,
        "month": key.month,
        "metric": metric,
        "treated": sent.count,
        "held_out": control.count,
        "value_treated": sent.mean,
        "value_held_out": control.mean,
        "effect": plain.effect,
        "ci_low": plain.low,
        "ci_high": plain.high,
        "p_value": plain.p_value,
        "p_value_corrected": plain.p_value,
        "effect_cuped": better.effect,
        "ci_low_cuped": better.low,
        "ci_high_cuped": better.high,
        "anytime_p_value": anytime_p_value(plain, hoped),
        "minimum_detectable_effect": minimum_detectable_effect(
            sent.count, control.count, deviation
        ),
        "srm_p_value": ratio_p_value,
    }


def _moments(arms: Sequence[Arm], metric: str) -> Moments:
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
