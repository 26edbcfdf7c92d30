"""Reasons why a customer may leave: a probability for each of five reasons.

If leavers have named reasons, one model per reason predicts the probability that a leaver names it.
Otherwise the probability is derived from SHAP values: the share of the customer's risk that comes
from the features of a reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from contracts.silver import REASONS

LABELLED, SHAP_FAMILIES = "labelled", "shap_families"
Array = NDArray[np.float64]


def reason_features(
    features: Sequence[str], patterns: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """The features of each reason. A feature belongs to the first reason with a matching pattern.

    Features without a match belong to no reason.
    """
    members: dict[str, list[str]] = {reason: [] for reason in REASONS}
    for feature in features:
        for reason in REASONS:
            if any(fnmatchcase(feature, p) for p in patterns.get(reason, ())):
                members[reason].append(feature)
                break
    return members


def reasons_from_contributions(
    contributions: Array,
    base: float,
    features: Sequence[str],
    *,
    members: Mapping[str, Sequence[str]],
    in_probability_units: bool = False,
) -> Array:
    """(rows, reasons): the share of each customer's risk that comes from each reason, 0 to 1.

    1 - p(score - own) / p(score), where p converts a raw score to a probability, score is base plus
    all contributions, and own is the sum of the reason's contributions, or 0 if they lower the
    risk. `members`: the result of reason_features; features that the model does not have are
    skipped. `in_probability_units`: contributions are probabilities, not log-odds.
    """
    margin = base + contributions.sum(axis=1)
    place = {feature: k for k, feature in enumerate(features)}
    shares = np.zeros((len(contributions), len(REASONS)))
    for column, reason in enumerate(REASONS):
        own = [place[f] for f in members.get(reason, ()) if f in place]
        push = np.maximum(contributions[:, own].sum(axis=1), 0.0)
        if in_probability_units:
            risk, without = np.maximum(margin, 1e-12), np.maximum(margin - push, 0.0)
        else:
            risk, without = expit(margin), expit(margin - push)
        shares[:, column] = 1.0 - without / risk
    return np.clip(shares, 0.0, 1.0)
