"""Differences of a metric between two models on the same rows, with paired bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.metrics import (
    METRICS,
    Array,
    Estimate,
    Ranked,
    Weights,
    measured,
    or_none,
    with_interval,
)


def paired_difference(
    metric: str, label: Array, p: Array, *, other: Array, weights: Sequence[Weights]
) -> Estimate:
    """metric(p) - metric(other), on the same rows and the same bootstrap samples."""
    rankings = Ranked.of(label, p, 0.5), Ranked.of(label, other, 0.5)

    blocks = [np.ones((1, len(label))), *weights]
    only = {metric: METRICS[metric]}
    pairs = (measured(only, ranked, blocks)[metric] for ranked in rankings)
    differences = [first - second for first, second in zip(*pairs, strict=True)]
    return with_interval(or_none(differences[0][0]), differences[1:])


def mean_paired_difference(
    metric: str,
    parts: Sequence[tuple[Array, Array, Array]],
    *,
    weights: Sequence[Weights],
) -> Estimate:
    """The mean over parts (label, p, other) of metric(p) - metric(other).

    `weights` are those of the rows of all parts, one part after the other. If a customer is in
    several parts, the interval takes this into account.
    """
    ends = np.cumsum([len(label) for label, _, _ in parts])
    blocks = [np.ones((1, int(ends[-1]))), *weights]
    only, sums = {metric: METRICS[metric]}, [np.zeros(len(block)) for block in blocks]
    for end, (label, p, other) in zip(ends, parts, strict=True):
        mine = [block[:, end - len(label) : end] for block in blocks]
        first, second = (
            measured(only, Ranked.of(label, values, 0.5), mine)[metric] for values in (p, other)
        )
        sums = [s + a - b for s, a, b in zip(sums, first, second, strict=True)]
    means = [s / len(parts) for s in sums]
    return with_interval(or_none(means[0][0]), means[1:])
