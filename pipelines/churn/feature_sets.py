"""Ablation: ROC AUC with all features, with the strongest only, and without each family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.metrics import Estimate, bootstrap_weights, point_estimates, stable_seed
from models.paired import paired_difference
from models.portable import PortableModel
from pipelines.churn.candidates import Candidate, TrainingData, learner_of, log_odds
from pipelines.churn.dataset import Design
from pipelines.churn.feature_families import family_of
from pipelines.churn.fit_rows import with_columns
from runtime.settings.training import TrainingSettings


def compared_feature_sets(data: TrainingData, candidate: Candidate) -> list[dict[str, Any]]:
    """Rows (feature_set, metric, value, ci_low, ci_high) on the validation date.

    The models are fitted on the train dates with the candidate's parameters. `roc_auc_difference`
    is the ROC AUC of the set minus that of all features, with an interval paired by customer.
    """
    settings = data.context.settings.training
    learner = learner_of(data.context, candidate.name, candidate.parameters)
    design, label = data.design(learner), data.held_out_label
    customers = data.held_out["customer_id"].tolist()
    weights = bootstrap_weights(customers, settings.bootstrap_samples, stable_seed("features"))
    sets, whole_matrix = feature_sets(data, candidate, settings), data.matrix(design)

    def probability(features: Sequence[str]) -> NDArray[np.float64]:
        columns = columns_of(design, features)
        rows, names = with_columns(design.split("train"), design.names, columns)
        scorer = learner.fit(rows, names, "churned")
        return 1 / (1 + np.exp(-log_odds(scorer, whole_matrix[:, columns])))

    probabilities = data.side_by_side(probability, sets.values(), "feature set")
    whole, rows = probabilities[0], []
    for (name, features), p in zip(sets.items(), probabilities, strict=True):
        points = point_estimates(label, p, 0.5)
        figures = {
            "features": Estimate(float(len(features))),
            **{m: Estimate(points[m]) for m in ("roc_auc", "average_precision", "brier")},
            "roc_auc_difference": paired_difference(
                "roc_auc", label, p, other=whole, weights=weights
            ),
        }
        rows += [
            {
                "feature_set": name,
                "metric": metric,
                "value": figure.value,
                "ci_low": figure.low,
                "ci_high": figure.high,
            }
            for metric, figure in figures.items()
        ]
    return rows


def feature_sets(
    data: TrainingData, candidate: Candidate, settings: TrainingSettings
) -> dict[str, list[str]]:
    """all, selected (only if the candidate has exact explanations) and without_<family>."""
    features = list(candidate.model.encoder.feature_names)
    sets = {"all": features}
    if candidate.model.is_exactly_explained:
        sets["selected"] = selected(data, candidate, settings.selected_share)
    families = {f: family_of(f, settings.feature_families) for f in features}
    for family in dict.fromkeys(families.values()):
        kept = [f for f in features if families[f] != family]
        if kept:
            sets[f"without_{family}"] = kept
    return sets


def selected(data: TrainingData, candidate: Candidate, share: float) -> list[str]:
    """The strongest features, which sum up to `share` of all |SHAP| on 2,000 validation rows.

    The SHAP values are those of the scorer of the train dates. The sets are compared on the
    validation date, so it must not be used to select them.
    """
    assert candidate.scorer is not None
    encoder = candidate.model.encoder
    names, taught = list(encoder.feature_names), PortableModel(encoder, candidate.scorer)
    contributions, _ = taught.contributions(data.held_out[names].head(2_000))
    strength = np.abs(contributions).mean(axis=0)
    order = np.argsort(-strength, kind="stable")
    reached = np.cumsum(strength[order]) / max(strength.sum(), 1e-300)
    count = int(np.searchsorted(reached, share)) + 1
    return sorted((names[i] for i in order[:count]), key=names.index)


def columns_of(design: Design, features: Sequence[str]) -> list[int]:
    """Matrix columns of the features, in the design's order."""
    names = design.encoder.feature_names
    kept = {names.index(f) for f in features}
    return [c for c, f in enumerate(design.encoder.column_feature) if int(f) in kept]
