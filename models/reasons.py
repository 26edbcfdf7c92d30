"""Why a customer may leave: a probability for each of five reasons.

Two ways. Where leavers named reasons, one model a reason says how likely a leaver is to name it.
Where nobody did, the SHAP values of the features that belong to a reason say how much of the
customer's risk goes with them.
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
    """The features of each reason, by the first pattern that holds; others belong to none."""
    found: dict[str, list[str]] = {reason: [] for reason in REASONS}
    for feature in features:
        for reason in REASONS:
            if any(fnmatchcase(feature, p) for p in patterns.get(reason, ())):
                found[reason].append(feature)
                break
    return found


def reasons_from_contributions(
    contributions: Array,
    base: float,
    features: Sequence[str],
    members: Mapping[str, Sequence[str]],
    in_probability_units: bool = False,
) -> Array:
    """(rows, reasons): the share of the risk that would go if a reason's features pushed no more.

    1 - p(margin - push) / p(margin), where push is the sum of the reason's contributions, or zero
    where they lower the risk. In [0, 1]; 0 where nothing pushes. `members` as reason_features;
    those that the model has not are passed over.
    """
    margin = base + contributions.sum(axis=1)
    place = {feature: k for k, feature in enumerate(features)}
    shares = np.zeros((len(contributions), len(REASONS)))
    for column, reason in enumerate(REASONS):
        own = [place[f] for f in members.get(reason, ()) if f in place]
        push = np.maximum(contributions[:, own].sum(axis=1), 0.0)
        if in_probability_units:
            whole, rest = np.maximum(margin, 1e-12), np.maximum(margin - push, 0.0)
        else:
            whole, rest = expit(margin), expit(margin - push)
        shares[:, column] = 1.0 - rest / whole
    return np.clip(shares, 0.0, 1.0)
