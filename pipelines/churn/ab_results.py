"""Rows of gold.model_ab from the moments of the arms."""

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

# The effect size that the anytime p-value is tuned for, as a share of the metric's standard
# deviation. It is fixed before any experiment.
HOPED_SHARE_OF_DEVIATION = 0.1
EMPTY = Moments(0, 0.0, 0.0)


def ab_results(
    moments: Iterable[Mapping[str, Any]],
    metrics: Sequence[str],
    shares: Mapping[str, Mapping[str, float]],
) -> list[dict[str, Any]]:
    """Two rows per experiment and metric: the champion, and the challenger with its effect.

    `moments`: rows of transforms.model_ab.arm_moments. `shares`: the planned share of each arm, by
    experiment. An experiment has no rows if its metric does not vary or an arm has fewer than two
    customers.
    """
    experiments: dict[str, list[Mapping[str, Any]]] = {}
    for row in moments:
        experiments.setdefault(row["experiment_id"], []).append(row)
    return [
        row
        for experiment in sorted(experiments)
        for metric in metrics
        for row in _compared(experiment, experiments[experiment], metric, shares[experiment])
    ]


def _compared(
    experiment: str, rows: Sequence[Mapping[str, Any]], metric: str, shares: Mapping[str, float]
) -> list[dict[str, Any]]:
    strata: dict[str, dict[str, Moments]] = {}
    for row in rows:
        arms = strata.setdefault(row["segment"], {CHALLENGER: EMPTY, CHAMPION: EMPTY})
        arms[row["arm"]] = Moments(row["customers"], row[f"y_{metric}"], row[f"yy_{metric}"])
    pairs = [(strata[name][CHALLENGER], strata[name][CHAMPION]) for name in sorted(strata)]
    is_share = metric == "retained"
    difference = stratified(pairs, is_share)
    if difference is None:
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
        "effect": difference.effect,
        "ci_low": difference.low,
        "ci_high": difference.high,
        "p_value": difference.p_value,
        "anytime_p_value": anytime_p_value(difference, HOPED_SHARE_OF_DEVIATION * deviation),
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
