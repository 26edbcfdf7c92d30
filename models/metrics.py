"""Metrics of churn probabilities, each with a bootstrap interval clustered by customer.

A bootstrap sample is a vector of weights: how often each row was drawn. The rows of a model are
therefore sorted once, and all samples are computed together as arrays of shape (samples, rows).
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
# How often each row is drawn, (samples, rows): integers of the smallest sufficient type, or 1.0.
Weights = NDArray[Any]
# Shares of customers that a campaign would contact, in percent.
TOP_SHARES = (10, 20, 30)
CALIBRATION_BINS = 10
# Samples computed at once: 50 x 200,000 rows x 8 bytes = 80 MB per array. All samples are stored as
# counts of one byte: 500 x 200,000 = 100 MB.
SAMPLES_AT_ONCE = 50


@dataclass(frozen=True)
class Estimate:
    """A metric with its 95 % percentile bootstrap interval. Undefined values are None."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Ranked:
    """Rows of one model in descending order of probability.

    order: positions of the rows before sorting. tie_ends: last position of each group of equal
    probabilities. threshold: rows with p >= threshold are predicted to churn.
    """

    label: Array
    p: Array
    order: NDArray[np.int64]
    tie_ends: NDArray[np.int64]
    threshold: float

    @classmethod
    def of(cls, label: Array, p: Array, threshold: float) -> Ranked:
        # A stable sort: ties keep the order of the rows, which callers sort by customer.
        order = np.argsort(-p, kind="stable")
        ranked = p[order]
        ends = np.append(np.flatnonzero(np.diff(ranked) != 0), len(ranked) - 1)
        return cls(label[order], ranked, order, ends, threshold)


class Draws:
    """Bootstrap samples of the ranked rows: weights (samples, rows) and cumulative sums."""

    def __init__(self, ranked: Ranked, weights: Weights) -> None:
        self.weights: Array = weights[:, ranked.order].astype(float)
        self._ranked = ranked

    @cached_property
    def reached(self) -> Array:
        """Cumulative weight of each row and the rows ranked above it, (samples, rows)."""
        return np.cumsum(self.weights, axis=1)

    @cached_property
    def reached_leavers(self) -> Array:
        """As `reached`, counting only rows with label 1."""
        return np.cumsum(self.weights * self._ranked.label, axis=1)

    @property
    def total(self) -> Array:
        return self.reached[:, -1]

    @property
    def leavers(self) -> Array:
        return self.reached_leavers[:, -1]

    def sum_of(self, values: Array) -> Array:
        """The weighted sum, per sample, of one value per row."""
        return self.weights @ values


Measure = Callable[[Ranked, Draws], Array]


def _roc_auc(r: Ranked, w: Draws) -> Array:
    """Area under the ROC curve. Ties count half. NaN if a class is missing."""
    tp = w.reached_leavers[:, r.tie_ends]
    fp = w.reached[:, r.tie_ends] - tp
    before = np.concatenate([np.zeros((len(tp), 1)), tp[:, :-1]], axis=1)
    new = np.diff(fp, axis=1, prepend=0.0)
    return (new * (tp + before) / 2).sum(axis=1) / (tp[:, -1] * fp[:, -1])


def _average_precision(r: Ranked, w: Draws) -> Array:
    """Sum of precision times increase in recall, as scikit-learn's average_precision_score."""
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
    """Weighted sum of `top` divided by that of `bottom`, or `empty` if the latter is 0.

    With `empty` NaN the metric is undefined in that case.
    """

    def measure(r: Ranked, w: Draws) -> Array:
        whole = w.sum_of(bottom(r))
        return np.where(whole > 0, w.sum_of(top(r)) / np.maximum(whole, 1e-12), empty)

    return measure


def hit(r: Ranked) -> Array:
    """1.0 for each row whose probability is at least the threshold, else 0.0."""
    return (r.p >= r.threshold).astype(float)


def _is_at_p30(r: Ranked) -> Array:
    """1.0 for each row with a probability of at least 0.3, whatever the model's threshold."""
    return (r.p >= 0.3).astype(float)


def _f1(r: Ranked, w: Draws) -> Array:
    both, either = 2 * w.sum_of(hit(r) * r.label), w.sum_of(hit(r) + r.label)
    return np.where(either > 0, both / np.maximum(either, 1e-12), 0.0)


def _precision_in_top(percent: int) -> Measure:
    """Share of leavers among the top `percent` % of the rows (at least one row).

    A row that was drawn more than once may count partly.
    """

    def measure(r: Ranked, w: Draws) -> Array:
        wanted = np.maximum(1.0, np.round(w.total * percent / 100))
        hits = np.empty(len(wanted))
        for sample, (most, reached) in enumerate(zip(wanted, w.reached, strict=True)):
            last = min(int(np.searchsorted(reached, most)), len(reached) - 1)
            beyond = max(reached[last] - most, 0.0) * r.label[last]
            hits[sample] = w.reached_leavers[sample, last] - beyond
        return hits / wanted

    return measure


def _lift_in_top(percent: int) -> Measure:
    inside = _precision_in_top(percent)
    return lambda r, w: inside(r, w) / (w.leavers / w.total)


def _calibration_error(r: Ranked, w: Draws) -> Array:
    """Expected calibration error: mean |share churned - mean probability| over ten bins of equal
    count, weighted by count."""
    middle = (w.reached - w.weights / 2) / w.total[:, None]
    place = np.floor(middle * CALIBRATION_BINS).clip(0, CALIBRATION_BINS - 1).astype(np.int64)
    gaps = w.weights * (r.label - r.p)
    samples = np.arange(len(gaps))[:, None] * CALIBRATION_BINS
    flat = np.bincount((samples + place).ravel(), gaps.ravel(), len(gaps) * CALIBRATION_BINS)
    return np.abs(flat.reshape(len(gaps), -1)).sum(axis=1) / w.total


def _mean_in_tenth(tenth: int, values: Callable[[Ranked], Array]) -> Measure:
    """Mean of a value in a tenth of the rows, 1 being the lowest probabilities. NaN if empty.

    The tenths are those of the original rows, so their sizes vary between bootstrap samples.
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
    # By rank: precision among the n % of the customers with the highest probability.
    **{f"precision_at_{n}": _precision_in_top(n) for n in TOP_SHARES},
    **{f"lift_at_{n}": _lift_in_top(n) for n in TOP_SHARES},
    # By probability: precision among the customers with p >= 0.3, and their share of all. Precision
    # is undefined if there are none.
    "precision_at_p30": _share(lambda r: _is_at_p30(r) * r.label, _is_at_p30, np.nan),
    "share_at_p30": _mean(_is_at_p30),
}

# The calibration curve: predicted and observed churn rate of each tenth of the customers.
CALIBRATION_CURVE: Mapping[str, Measure] = {
    f"calibration_{tenth}_{name}": _mean_in_tenth(tenth, values)
    for tenth in range(1, CALIBRATION_BINS + 1)
    for name, values in (("predicted", lambda r: r.p), ("observed", lambda r: r.label))
}


def bootstrap_weights(groups: Sequence[str], samples: int, seed: int) -> list[Weights]:
    """Bootstrap weights of rows when whole customers are drawn with replacement.

    `groups`: the customer of each row. Returns blocks of shape (samples, rows) with at most
    SAMPLES_AT_ONCE samples each.
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
    """Each metric per bootstrap sample, as one array per block. NaN if undefined."""
    values: dict[str, list[Array]] = {name: [] for name in measures}
    with np.errstate(invalid="ignore", divide="ignore"):
        for block in blocks:
            draws = Draws(ranked, block)
            for name, measure in measures.items():
                values[name].append(measure(ranked, draws))
    return values


def point_estimates(
    label: Array, p: Array, threshold: float, *, measures: Mapping[str, Measure] = METRICS
) -> dict[str, float | None]:
    """Each metric by name. None if the metric is undefined, as when the labels hold one class."""
    ranked, once = Ranked.of(label, p, threshold), np.ones((1, len(label)))
    by_name = measured(measures, ranked, [once])
    return {name: or_none(values[0][0]) for name, values in by_name.items()}


def estimates(
    label: Array,
    p: Array,
    threshold: float,
    *,
    weights: Sequence[Weights],
    measures: Mapping[str, Measure] = METRICS,
) -> dict[str, Estimate]:
    """Each metric by name, with its interval over the bootstrap samples."""
    ranked = Ranked.of(label, p, threshold)
    points = point_estimates(label, p, threshold, measures=measures)
    drawn = measured(measures, ranked, weights)
    return {name: with_interval(points[name], drawn[name]) for name in measures}


def or_none(value: float) -> float | None:
    """The value; None for NaN and infinity."""
    return float(value) if np.isfinite(value) else None


def with_interval(value: float | None, drawn: Sequence[Array]) -> Estimate:
    """A value with the 95 % percentile interval of its values per bootstrap sample."""
    finite = np.concatenate(drawn) if drawn else np.array([])
    finite = finite[np.isfinite(finite)]
    if value is None or len(finite) < 20:
        return Estimate(value)
    low, high = np.percentile(finite, [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def stable_seed(text: str) -> int:
    """A seed computed from a text (CRC-32), the same on each machine."""
    return zlib.crc32(text.encode())
