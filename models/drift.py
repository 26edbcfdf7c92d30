"""Drift of features between a training sample and the customers of a later date.

A reference is a bounded histogram of one feature: at most BINS bins or MOST_CATEGORIES categories.
The same bins are counted later (transforms.feature_bins), and every statistic is computed from the
two sets of counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from models.experiments import holm

Array = NDArray[np.float64]
BINS, MOST_CATEGORIES = 20, 50
# The bins of rows without a value, and of categories that the training sample does not have.
MISSING, NEW = -1, -2
# The share that replaces a share of 0 in the logarithm of the PSI, as a part of one row.
HALF_A_ROW = 0.5


@dataclass(frozen=True)
class Reference:
    """Histogram of a feature in the training sample.

    edges: upper bounds of all bins but the last one; a bin is (lower, upper]. categories: the texts
    of a text feature, one bin each; None for numbers. counts, means: per bin; means are those of
    the numbers. others: rows with a category that has no bin. missing: rows without a value.
    customers: distinct customers of the sample. Rows of one customer at several dates are no
    independent evidence, so tests use this number.
    """

    feature: str
    counts: tuple[int, ...]
    missing: int
    customers: int
    edges: tuple[float, ...] = ()
    means: tuple[float, ...] = ()
    categories: tuple[str, ...] | None = None
    others: int = 0
    low: float | None = None
    high: float | None = None
    deviation: float = 0.0

    @property
    def rows(self) -> int:
        return sum(self.counts) + self.others + self.missing

    @classmethod
    def of_numbers(cls, feature: str, values: pd.Series, customers: int) -> Self:
        """Bins between the quantiles of the sample. Equal quantiles make one bin."""
        numbers = pd.to_numeric(values).astype(float)
        known = numbers[numbers.notna()].to_numpy()
        missing = len(numbers) - len(known)
        if not len(known):
            return cls(feature, (0,), missing, customers, means=(0.0,))
        cuts = np.unique(np.quantile(known, np.arange(1, BINS) / BINS, method="inverted_cdf"))
        edges = cuts[cuts < known.max()]
        bins = np.searchsorted(edges, known, side="left")
        counts = np.bincount(bins, minlength=len(edges) + 1)
        sums = np.bincount(bins, weights=known, minlength=len(edges) + 1)
        return cls(
            feature,
            tuple(map(int, counts)),
            missing,
            customers,
            edges=tuple(map(float, edges)),
            means=tuple(map(float, sums / counts)),
            low=float(known.min()),
            high=float(known.max()),
            deviation=float(known.std()),
        )

    @classmethod
    def of_texts(cls, feature: str, values: pd.Series, customers: int) -> Self:
        """One bin per text, the MOST_CATEGORIES most frequent ones; ties: the first by name."""
        counted = values.dropna().astype(str).value_counts()
        order = sorted(counted.index, key=lambda name: (-counted[name], name))[:MOST_CATEGORIES]
        missing = int(values.isna().sum())
        counts = tuple(int(counted[name]) for name in order)
        others = int(counted.sum()) - sum(counts)
        return cls(feature, counts, missing, customers, categories=tuple(order), others=others)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The content of `asdict`, also after JSON."""
        lists = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
        return cls(**lists)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Current:
    """The counts of a later date in the bins of a reference.

    sums: sum of the numbers per bin. new: rows with a category that has no bin in the reference.
    below, above: rows outside the range of the sample, which the first and last bin also count.
    """

    counts: tuple[int, ...]
    missing: int
    sums: tuple[float, ...] = ()
    new: int = 0
    below: int = 0
    above: int = 0

    @property
    def rows(self) -> int:
        return sum(self.counts) + self.missing + self.new

    @property
    def filled(self) -> int:
        return sum(self.counts) + self.new

    @classmethod
    def of(cls, reference: Reference, values: pd.Series) -> Self:
        """The counts of values in memory, equal to those of transforms.feature_bins."""
        known = values.dropna()
        missing = len(values) - len(known)
        if reference.categories is not None:
            counts = tuple(int((known == c).sum()) for c in reference.categories)
            return cls(counts, missing, new=len(known) - sum(counts))
        numbers = known.to_numpy(dtype=float)
        bins = np.searchsorted(reference.edges, numbers, side="left")
        size = len(reference.counts)
        sums = np.bincount(bins, weights=numbers, minlength=size)
        below = 0 if reference.low is None else int((numbers < reference.low).sum())
        above = 0 if reference.high is None else int((numbers > reference.high).sum())
        counts = tuple(map(int, np.bincount(bins, minlength=size)))
        return cls(counts, missing, tuple(map(float, sums)), below=below, above=above)


@dataclass(frozen=True)
class Thresholds:
    """Section monitoring of conf."""

    psi: float
    wasserstein: float
    total_variation: float
    missing_share: float
    out_of_range_share: float
    new_category_share: float
    false_alarm_rate: float


@dataclass(frozen=True)
class Statistic:
    """One row of gold.drift. p_value: corrected for all statistics that were tested with it."""

    feature: str
    statistic: str
    value: float | None
    threshold: float
    p_value: float | None
    rows: int
    is_alert: bool = field(default=False)


def psi(before: Sequence[float], after: Sequence[float]) -> float:
    """Population stability index: sum of (q - p) * ln(q / p) over bins, p and q shares.

    A bin without a row in one of both counts as half a row.

    >>> round(psi([50, 50], [25, 75]), 4)  # (.25 - .5) ln .5 + (.75 - .5) ln 1.5
    0.2747
    """
    p, q = (np.asarray(c, float) for c in (before, after))
    used = (p + q) > 0
    p, q = np.maximum(p[used], HALF_A_ROW), np.maximum(q[used], HALF_A_ROW)
    p, q = p / p.sum(), q / q.sum()
    return float(((q - p) * np.log(q / p)).sum())


def wasserstein(
    places: tuple[Sequence[float], Sequence[float]], counts: tuple[Sequence[float], Sequence[float]]
) -> float:
    """First Wasserstein distance of two discrete distributions: the area between their CDFs.

    >>> wasserstein(([0.0, 1.0], [1.0, 2.0]), ([1, 1], [3, 1]))  # .5 * 1 + .25 * 1
    0.75
    """
    (x, y), (p, q) = places, counts
    points = np.concatenate([np.asarray(x, float), np.asarray(y, float)])
    steps = np.concatenate([np.asarray(p, float) / np.sum(p), -np.asarray(q, float) / np.sum(q)])
    order = np.argsort(points, kind="stable")
    return float(np.abs(np.cumsum(steps[order])[:-1]) @ np.diff(points[order]))


def total_variation(before: Sequence[float], after: Sequence[float]) -> float:
    """Half the sum of |q - p|: the share of customers who would have to change.

    >>> total_variation([50, 50], [25, 75])
    0.25
    """
    p, q = (np.asarray(c, float) for c in (before, after))
    return float(np.abs(q / q.sum() - p / p.sum()).sum() / 2)


def homogeneity_p_value(
    before: Sequence[float], after: Sequence[float], customers: int
) -> float | None:
    """p-value of the chi-squared test that two rows of counts have the same shares.

    The counts before are scaled down to the number of independent customers. Cells with an expected
    count below 5 are joined, from the smallest on. None: fewer than two cells remain.
    """
    p, q = (np.asarray(c, float) for c in (before, after))
    if not p.sum() or not q.sum():
        return None
    p = p * min(1.0, customers / p.sum())
    smaller = min(p.sum(), q.sum()) / (p.sum() + q.sum())
    cells = sorted(zip(p, q, strict=True), key=lambda pair: pair[0] + pair[1])
    while len(cells) > 1 and (cells[0][0] + cells[0][1]) * smaller < 5:
        (a, b), (c, d), *others = cells
        cells = sorted([(a + c, b + d), *others], key=lambda pair: pair[0] + pair[1])
    if len(cells) < 2:
        return None
    return float(stats.chi2_contingency(np.array(cells).T, correction=False).pvalue)


def beyond_p_value(beyond: int, current: int, sample: int) -> float:
    """Probability that at least `beyond` of `current` rows exceed the maximum of `sample` rows.

    Without drift all rows are exchangeable: the product of (n - i) / (N - i), i < beyond.

    >>> beyond_p_value(2, 3, 1)  # 3/4 * 2/3
    0.5
    """
    if beyond > current:
        raise ValueError(f"beyond {beyond}: must be at most current, got {current}")
    i = np.arange(beyond)
    return float(np.exp(np.sum(np.log((current - i) / (current + sample - i)))))


def compared(pairs: Sequence[tuple[Reference, Current]], thresholds: Thresholds) -> list[Statistic]:
    """All statistics of all features, with p-values corrected over all of them (Holm).

    The probability that any of them alerts without drift is at most `false_alarm_rate`.
    """
    found = [s for reference, current in pairs for s in _of_feature(reference, current, thresholds)]
    tested = [s.p_value for s in found if s.p_value is not None]
    corrected = iter(holm(tested))
    return [_judged(s, corrected, thresholds.false_alarm_rate) for s in found]


def _judged(found: Statistic, corrected: Any, rate: float) -> Statistic:
    p_value = None if found.p_value is None else float(next(corrected))
    is_beyond = found.value is not None and abs(found.value) > found.threshold
    is_alert = is_beyond and p_value is not None and p_value < rate
    values = {**asdict(found), "p_value": p_value, "is_alert": is_alert}
    return Statistic(**values)


def _of_feature(before: Reference, after: Current, limits: Thresholds) -> list[Statistic]:
    kind = _of_texts if before.categories is not None else _of_numbers
    # One test for all statistics of shares: they are functions of the same counts.
    cells = (
        [*before.counts, before.missing, before.others],
        [*after.counts, after.missing, after.new],
    )
    p_value = homogeneity_p_value(*cells, before.customers)
    missing = None
    if before.rows and after.rows:
        missing = after.missing / after.rows - before.missing / before.rows
    rows = [
        Statistic(
            before.feature, "missing_share", missing, limits.missing_share, p_value, after.rows
        )
    ]
    return rows + kind(before, after, limits, p_value=p_value)


def _of_numbers(
    before: Reference, after: Current, limits: Thresholds, *, p_value: float | None
) -> list[Statistic]:
    filled, sample = sum(after.counts), sum(before.counts)
    both = bool(filled and sample)
    distance = None
    if both:
        used = [i for i, count in enumerate(after.counts) if count]
        places = [after.sums[i] / after.counts[i] for i in used]
        distance = wasserstein(
            (before.means, places), (before.counts, [after.counts[i] for i in used])
        )
        # A feature that was constant has no deviation; any change of it is then infinitely large.
        if before.deviation:
            distance /= before.deviation
        elif distance:
            distance = float(np.finfo(np.float32).max)
    outside = after.below + after.above
    ends = [
        beyond_p_value(n, filled, min(sample, before.customers)) for n in (after.below, after.above)
    ]
    values = {
        "psi": (psi(before.counts, after.counts) if both else None, limits.psi, p_value),
        "wasserstein": (distance, limits.wasserstein, p_value),
        "out_of_range_share": (
            outside / filled if both else None,
            limits.out_of_range_share,
            min(1.0, 2 * min(ends)) if both else None,
        ),
    }
    return [Statistic(before.feature, name, *v, filled) for name, v in values.items()]


def _of_texts(
    before: Reference, after: Current, limits: Thresholds, *, p_value: float | None
) -> list[Statistic]:
    cells = [*before.counts, before.others], [*after.counts, after.new]
    sample = before.rows - before.missing
    both = bool(after.filled and sample)
    new = after.new / after.filled - before.others / sample if both else None
    values = {
        "psi": (psi(*cells) if both else None, limits.psi),
        "total_variation": (total_variation(*cells) if both else None, limits.total_variation),
        "new_category_share": (new, limits.new_category_share),
    }
    return [
        Statistic(before.feature, name, *v, p_value, after.filled) for name, v in values.items()
    ]
