"""Drift of features between a training sample and the customers of a later date.

Every statistic is computed from two sets of counts in the same bins (models.feature_histogram).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy import stats

from models.experiments import holm
from models.feature_histogram import Current, Reference

# The share that replaces a share of 0 in the logarithm of the PSI, as a part of one row.
HALF_A_ROW = 0.5


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
    is_alert: bool = False


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

    >>> round(beyond_p_value(2, 3, 1), 12)  # 3/4 * 2/3
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
    measured = [
        s for reference, current in pairs for s in _of_feature(reference, current, thresholds)
    ]
    tested = [s.p_value for s in measured if s.p_value is not None]
    corrected = iter(holm(tested))
    return [_judged(s, corrected, thresholds.false_alarm_rate) for s in measured]


def _judged(measured: Statistic, corrected: Iterator[float], rate: float) -> Statistic:
    p_value = None if measured.p_value is None else float(next(corrected))
    is_beyond = measured.value is not None and abs(measured.value) > measured.threshold
    is_alert = is_beyond and p_value is not None and p_value < rate
    values = {**asdict(measured), "p_value": p_value, "is_alert": is_alert}
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
