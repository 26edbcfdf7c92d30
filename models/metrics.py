"""Metrics of churn probabilities, each with a bootstrap interval by customer.

A bootstrap sample is a vector of weights (how often each row was drawn), so that a model is sorted
once and all samples are computed together: arrays of (samples, rows).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# How often each row is drawn, (samples, rows): whole numbers in as few bytes as hold them, or 1.0.
Weights = NDArray[Any]
# Shares of the customers that a campaign would reach, per cent.
TOP_SHARES = (10, 20, 30)
CALIBRATION_BINS = 10
# Samples computed at once: 50 x 200,000 rows x 8 bytes = 80 MB an array. All samples wait as counts
# of a byte each: 500 x 200,000 = 100 MB.
SAMPLES_AT_ONCE = 50


@dataclass(frozen=True)
class Estimate:
    """A metric with its 95 % percentile bootstrap interval; None where it is undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Ranked:
    """Rows of one model by falling probability: labels, probabilities, ends of tied groups."""

    label: Array
    p: Array
    order: NDArray[np.int64]
    tie_ends: NDArray[np.int64]
    threshold: float

    @classmethod
    def of(cls, label: Array, p: Array, threshold: float) -> Ranked:
        # Stable: ties keep the order of the rows, which callers sort by customer.
        order = np.argsort(-p, kind="stable")
        ranked = p[order]
        ends = np.append(np.flatnonzero(np.diff(ranked) != 0), len(ranked) - 1)
        return cls(label[order], ranked, order, ends, threshold)


class Draws:
    """Samples of the ranked rows: weights (samples, rows), and the sums that metrics share."""

    def __init__(self, ranked: Ranked, weights: Weights) -> None:
        self.weights: Array = weights[:, ranked.order].astype(float)
        self._ranked = ranked

    @cached_property
    def reached(self) -> Array:
        """Weight of each row and those ranked above it."""
        return np.cumsum(self.weights, axis=1)

    @cached_property
    def reached_leavers(self) -> Array:
        return np.cumsum(self.weights * self._ranked.label, axis=1)

    @property
    def total(self) -> Array:
        return self.reached[:, -1]

    @property
    def leavers(self) -> Array:
        return self.reached_leavers[:, -1]

    def sum_of(self, values: Array) -> Array:
        """The weighted sum of one value a row."""
        return self.weights @ values


Measure = Callable[[Ranked, Draws], Array]


def _roc_auc(r: Ranked, w: Draws) -> Array:
    """Area under the ROC curve; tied groups count half. NaN where one class is missing."""
    tp = w.reached_leavers[:, r.tie_ends]
    fp = w.reached[:, r.tie_ends] - tp
    before = np.concatenate([np.zeros((len(tp), 1)), tp[:, :-1]], axis=1)
    new = np.diff(fp, axis=1, prepend=0.0)
    return (new * (tp + before) / 2).sum(axis=1) / (tp[:, -1] * fp[:, -1])


def _average_precision(r: Ranked, w: Draws) -> Array:
    """Sum of precision x step of recall, as scikit-learn's average_precision_score."""
    tp, count = w.reached_leavers[:, r.tie_ends], w.reached[:, r.tie_ends]
    precision = np.where(count > 0, tp / np.maximum(count, 1e-12), 0.0)
    return (precision * np.diff(tp, axis=1, prepend=0.0)).sum(axis=1) / tp[:, -1]


def _mean(loss: Callable[[Ranked], Array]) -> Measure:
    return lambda r, w: w.sum_of(loss(r)) / w.total


def _log_loss(r: Ranked) -> Array:
    p = np.clip(r.p, 1e-15, 1 - 1e-15)
    return -(r.label * np.log(p) + (1 - r.label) * np.log(1 - p))


def _share(
    top: Callable[[Ranked], Array], bottom: Callable[[Ranked], Array], empty: float
) -> Measure:
    """Weighted top / bottom; `empty` where the bottom is nothing."""

    def measure(r: Ranked, w: Draws) -> Array:
        whole = w.sum_of(bottom(r))
        return np.where(whole > 0, w.sum_of(top(r)) / np.maximum(whole, 1e-12), empty)

    return measure


def hit(r: Ranked) -> Array:
    """1 for each row from the threshold on."""
    return (r.p >= r.threshold).astype(float)


def _f1(r: Ranked, w: Draws) -> Array:
    both, either = 2 * w.sum_of(hit(r) * r.label), w.sum_of(hit(r) + r.label)
    return np.where(either > 0, both / np.maximum(either, 1e-12), 0.0)


def _precision_in_top(percent: int) -> Measure:
    """Share of leavers among the first `percent` % of the rows (at least one row).

    A row that is drawn more than once may be inside in part.
    """

    def measure(r: Ranked, w: Draws) -> Array:
        wanted = np.maximum(1.0, np.round(w.total * percent / 100))
        found = np.empty(len(wanted))
        for sample, (most, reached) in enumerate(zip(wanted, w.reached, strict=True)):
            last = min(int(np.searchsorted(reached, most)), len(reached) - 1)
            beyond = max(reached[last] - most, 0.0) * r.label[last]
            found[sample] = w.reached_leavers[sample, last] - beyond
        return found / wanted

    return measure


def _lift_in_top(percent: int) -> Measure:
    inside = _precision_in_top(percent)
    return lambda r, w: inside(r, w) / (w.leavers / w.total)


def _calibration_error(r: Ranked, w: Draws) -> Array:
    """Mean |share churned - mean probability| over ten bins of equal count, weighted by count."""
    middle = (w.reached - w.weights / 2) / w.total[:, None]
    place = np.floor(middle * CALIBRATION_BINS).clip(0, CALIBRATION_BINS - 1).astype(np.int64)
    gaps = w.weights * (r.label - r.p)
    samples = np.arange(len(gaps))[:, None] * CALIBRATION_BINS
    flat = np.bincount((samples + place).ravel(), gaps.ravel(), len(gaps) * CALIBRATION_BINS)
    return np.abs(flat.reshape(len(gaps), -1)).sum(axis=1) / w.total


def _mean_in_tenth(tenth: int, values: Callable[[Ranked], Array]) -> Measure:
    """Mean of a value in a tenth of the rows, 1 the lowest probabilities; NaN where it has none.

    The tenths are those of the rows themselves: a sample draws from each as it comes.
    """

    def measure(r: Ranked, w: Draws) -> Array:
        places = np.arange(len(r.p))[::-1] * CALIBRATION_BINS // len(r.p)
        inside = (places == tenth - 1).astype(float)
        return w.sum_of(inside * values(r)) / w.sum_of(inside)

    return measure


METRICS: Mapping[str, Measure] = {
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
    "brier": _mean(lambda r: (r.p - r.label) ** 2),
    "log_loss": _mean(_log_loss),
    "accuracy": _mean(lambda r: (hit(r) == r.label).astype(float)),
    "precision": _share(lambda r: hit(r) * r.label, hit, 0.0),
    "recall": _share(lambda r: hit(r) * r.label, lambda r: r.label, 0.0),
    "f1": _f1,
    "false_positive_rate": _share(lambda r: hit(r) * (1 - r.label), lambda r: 1 - r.label, 0.0),
    "expected_calibration_error": _calibration_error,
    **{f"precision_at_{n}": _precision_in_top(n) for n in TOP_SHARES},
    **{f"lift_at_{n}": _lift_in_top(n) for n in TOP_SHARES},
}

# The calibration curve: what was told of each tenth of the customers, and what came.
CALIBRATION_CURVE: Mapping[str, Measure] = {
    f"calibration_{tenth}_{name}": _mean_in_tenth(tenth, values)
    for tenth in range(1, CALIBRATION_BINS + 1)
    for name, values in (("predicted", lambda r: r.p), ("observed", lambda r: r.label))
}


def bootstrap_weights(groups: Sequence[str], samples: int, seed: int) -> list[Weights]:
    """How often each row is drawn when whole customers are drawn with replacement.

    Blocks of at most SAMPLES_AT_ONCE samples: (samples, rows).
    """
    _, customer = np.unique(np.asarray(groups), return_inverse=True)
    count = int(customer.max()) + 1
    draw = np.random.default_rng(seed)
    blocks = []
    for start in range(0, samples, SAMPLES_AT_ONCE):
        size = min(SAMPLES_AT_ONCE, samples - start)
        times = np.stack(
            [np.bincount(draw.integers(0, count, count), minlength=count) for _ in range(size)]
        )
        counts = times.astype(np.min_scalar_type(times.max()))
        blocks.append(counts[:, customer])
    return blocks


def measured(
    measures: Mapping[str, Measure], ranked: Ranked, blocks: Iterable[Weights]
) -> dict[str, list[Array]]:
    """Each metric in each row of weights, block by block; NaN where it is undefined."""
    found: dict[str, list[Array]] = {name: [] for name in measures}
    with np.errstate(invalid="ignore", divide="ignore"):
        for block in blocks:
            draws = Draws(ranked, block)
            for name, measure in measures.items():
                found[name].append(measure(ranked, draws))
    return found


def point_estimates(
    label: Array, p: Array, threshold: float, measures: Mapping[str, Measure] = METRICS
) -> dict[str, float | None]:
    """Every metric by name; None where one class only makes it undefined."""
    ranked, once = Ranked.of(label, p, threshold), np.ones((1, len(label)))
    found = measured(measures, ranked, [once])
    return {name: _or_none(values[0][0]) for name, values in found.items()}


def estimates(
    label: Array,
    p: Array,
    threshold: float,
    weights: Sequence[Weights],
    measures: Mapping[str, Measure] = METRICS,
) -> dict[str, Estimate]:
    """Every metric with its interval over the bootstrap samples."""
    ranked = Ranked.of(label, p, threshold)
    found = point_estimates(label, p, threshold, measures)
    drawn = measured(measures, ranked, weights)
    return {name: _with_interval(found[name], drawn[name]) for name in measures}


def paired_difference(
    metric: str, label: Array, p: Array, other: Array, weights: Sequence[Weights]
) -> Estimate:
    """metric(p) - metric(other) on the same rows and the same bootstrap samples."""
    one, two = Ranked.of(label, p, 0.5), Ranked.of(label, other, 0.5)

    blocks = [np.ones((1, len(label))), *weights]
    only = {metric: METRICS[metric]}
    pairs = (measured(only, ranked, blocks)[metric] for ranked in (one, two))
    differences = [first - second for first, second in zip(*pairs, strict=True)]
    return _with_interval(_or_none(differences[0][0]), differences[1:])


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _with_interval(value: float | None, drawn: Sequence[Array]) -> Estimate:
    every = np.concatenate(drawn) if drawn else np.array([])
    every = every[np.isfinite(every)]
    if value is None or len(every) < 20:
        return Estimate(value)
    low, high = np.percentile(every, [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def stable_seed(text: str) -> int:
    """A seed that depends on a text alone, the same on every machine."""
    return zlib.crc32(text.encode())
