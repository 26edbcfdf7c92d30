"""From sums of arms to rows of gold.model_ab."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.experiments import (
    Moments,
    anytime_p_value,
    minimum_detectable_effect,
    srm_p_value,
    stratified,
    widened,
)
from runtime.model_registry import CHALLENGER, CHAMPION

# The size of effects hoped for, as a share of the metric's deviation; fixed before any experiment.
HOPED_SHARE_OF_DEVIATION = 0.1
EMPTY = Moments(0, 0.0, 0.0)
_NOTHING = (
    "effect",
    "ci_low",
    "ci_high",
    "p_value",
    "anytime_p_value",
    "minimum_detectable_effect",
)


def ab_results(
    moments: Iterable[dict[str, Any]],
    metrics: Sequence[str],
    shares: Mapping[str, Mapping[str, float]],
) -> list[dict[str, Any]]:
    """Two rows an experiment and metric: the champion, and the challenger with its effect.

    `moments`: rows of transforms.model_ab.arm_moments; `shares`: by experiment, those meant. An
    experiment in which nothing varies, or an arm has under two customers, has no rows.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in moments:
        groups.setdefault(row["experiment_id"], []).append(row)
    return [
        found
        for experiment in sorted(groups)
        for metric in metrics
        for found in _compared(experiment, groups[experiment], metric, shares[experiment])
    ]


def _compared(
    experiment: str, rows: Sequence[dict[str, Any]], metric: str, shares: Mapping[str, float]
) -> list[dict[str, Any]]:
    strata: dict[str, dict[str, Moments]] = {}
    for row in rows:
        arms = strata.setdefault(row["segment"], {CHALLENGER: EMPTY, CHAMPION: EMPTY})
        arms[row["arm"]] = Moments(row["customers"], row[f"y_{metric}"], row[f"yy_{metric}"])
    pairs = [(strata[name][CHALLENGER], strata[name][CHAMPION]) for name in sorted(strata)]
    is_share = metric == "retained"
    found = stratified(pairs, is_share)
    if found is None:
        return []
    arms = {
        CHAMPION: sum((c for _, c in pairs), EMPTY),
        CHALLENGER: sum((c for c, _ in pairs), EMPTY),
    }
    counts = {name: arm.count for name, arm in arms.items()}
    srm = srm_p_value(counts, shares)
    both = arms[CHAMPION] + arms[CHALLENGER]
    deviation = (widened(both) if is_share else both).variance ** 0.5
    effect = {
        "effect": found.effect,
        "ci_low": found.low,
        "ci_high": found.high,
        "p_value": found.p_value,
        "anytime_p_value": anytime_p_value(found, HOPED_SHARE_OF_DEVIATION * deviation),
        "minimum_detectable_effect": minimum_detectable_effect(
            counts[CHALLENGER], counts[CHAMPION], deviation
        ),
    }
    return [
        {
            "experiment_id": experiment,
            "arm": name,
            "metric": metric,
            "customers": arm.count,
            "value": arm.mean,
            "srm_p_value": srm,
            **(effect if name == CHALLENGER else dict.fromkeys(effect)),
        }
        for name, arm in arms.items()
    ]
