"""Reasons why a customer may leave: a probability for each of five reasons.

If leavers have named reasons, one model per reason predicts the probability that a leaver names it.
Otherwise the probability is derived from SHAP values: the share of the customer's risk that comes
from the features of a reason. It is compared with the other families of features, which stand for
`unknown`: a customer who buys less has not said why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from contracts.silver import REASONS

LABELLED, SHAP_FAMILIES = "labelled", "shap_families"
OTHER = "other: "
Array = NDArray[np.float64]


def reason_features(
    features: Sequence[str],
    patterns: Mapping[str, Sequence[str]],
    families: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, list[str]]:
    """The features of each reason, and of each family of features that are evidence for no reason.

    A feature belongs to the first reason, else to the first family, with a matching pattern.
    Features without a match belong to none.
    """
    members: dict[str, list[str]] = {reason: [] for reason in REASONS}
    groups = {reason: patterns.get(reason, ()) for reason in REASONS}
    for family, names in (families or {}).items():
        groups[f"{OTHER}{family}"] = names
    for feature in features:
        for group, names in groups.items():
            if any(fnmatchcase(feature, pattern) for pattern in names):
                members.setdefault(group, []).append(feature)
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
    """(rows, reasons + 1): the share of each customer's risk per reason, 0 to 1; last `unknown`.

    1 - p(score - own) / p(score), where p converts a raw score to a probability, score is base plus
    all contributions, and own is the sum of the reason's contributions, or 0 if they lower the
    risk. `unknown` is the largest such share of a family of other features: a reason must raise the
    risk more than each of them. `members`: the result of reason_features; features in none of its
    groups are one more family, and features that the model does not have are skipped.
    `in_probability_units`: contributions are probabilities, not log-odds.
    """
    margin = base + contributions.sum(axis=1)
    place = {feature: k for k, feature in enumerate(features)}
    groups = {name: [place[f] for f in own if f in place] for name, own in members.items()}
    matched = {k for own in groups.values() for k in own}
    others = [own for name, own in groups.items() if name not in REASONS]
    others.append([k for k in place.values() if k not in matched])

    def share(own: Sequence[int]) -> Array:
        push = np.maximum(contributions[:, own].sum(axis=1), 0.0)
        if in_probability_units:
            risk, without = np.maximum(margin, 1e-12), np.maximum(margin - push, 0.0)
        else:
            risk, without = expit(margin), expit(margin - push)
        return np.clip(1.0 - without / risk, 0.0, 1.0)

    named = [share(groups.get(reason, [])) for reason in REASONS]
    return np.column_stack([*named, np.max([share(own) for own in others], axis=0)])
