"""Performance of a churn model before its labels have matured.

A customer who has bought since as_of has not churned. One who has not bought d days after as_of
has churned with the probability w = p / (p + (1 - p) S(d)): Bayes' rule, where p is the calibrated
probability and S(d) the share of matured returners whose first purchase came after day d. Expected
ROC AUC, Brier score and churn rate follow from the weights w.

S(d) is taken by band of recency and frequency: frequent buyers return sooner. Customers come as
cells: customers with the same probability (or bin of it) and band. A cell
of one customer gives the exact value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
METRICS = ("roc_auc", "brier", "churn_rate")
FINE, FALLEN, NOT_JUDGED = "fine", "fallen", "not judged"
# Groups of probabilities whose returns are compared with the expected ones.
GROUPS = 10
# With fewer matured returners in a band, S(d) is not known.
FEWEST_RETURNERS = 30
# Returns that are less likely than this under the model contradict it.
CONTRADICTION = 0.01


@dataclass(frozen=True)
class Cells:
    """One entry per cell: probability, customers without and with a purchase so far, and band."""

    probability: Array
    waiting: Array
    returned: Array
    band: NDArray[np.int64]

    @property
    def customers(self) -> Array:
        return self.waiting + self.returned


@dataclass(frozen=True)
class Returns:
    """Matured returners per band, and those of them whose first purchase came after day d."""

    returners: Array
    later: Array

    @classmethod
    def pooled(cls, returners: Array, later: Array) -> Self:
        """From counts by recency (rows) and frequency (columns), in this order of bands.

        A band with fewer than FEWEST_RETURNERS takes the counts of its whole row.
        """
        is_scarce = returners < FEWEST_RETURNERS
        counts = [np.where(is_scarce, c.sum(1, keepdims=True), c) for c in (returners, later)]
        return cls(counts[0].ravel(), counts[1].ravel())

    @property
    def share_later(self) -> Array:
        """S(d). NaN without returners."""
        with np.errstate(invalid="ignore"):
            share: Array = self.later / self.returners
        return share


@dataclass(frozen=True)
class Estimate:
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Early:
    """Estimates by metric; empty with the reason if the performance cannot be told."""

    estimates: Mapping[str, Estimate]
    reason: str = ""


def weights(probability: Array, share_later: Array) -> Array:
    """Probability that a customer without a purchase so far churns.

    >>> float(weights(np.array([0.5]), np.array([0.25]))[0])  # .5 / (.5 + .5 * .25)
    0.8
    """
    result: Array = probability / (probability + (1 - probability) * share_later)
    return result


def expected_metrics(probability: Array, churned: Array, stayed: Array) -> dict[str, Array]:
    """The metrics of cells with (expected) counts of churned and stayed customers.

    The last axis is the cell; cells are sorted by probability inside. Pairs within one cell count
    half, as ties do. ROC AUC is NaN if one class is empty.
    """
    _, place = np.unique(probability, return_inverse=True)
    gone, here = (_by_place(c, place) for c in (churned, stayed))
    below = np.cumsum(here, axis=-1) - here
    total = churned.sum(-1) + stayed.sum(-1)
    squares = (churned * (1 - probability) ** 2 + stayed * probability**2).sum(-1)
    # A draw may have no customer of a class, or none at all.
    with np.errstate(invalid="ignore"):
        pairs = (gone * (below + here / 2)).sum(-1)
        return {
            "roc_auc": pairs / (gone.sum(-1) * here.sum(-1)),
            "brier": squares / total,
            "churn_rate": churned.sum(-1) / total,
        }


def _by_place(counts: Array, place: NDArray[np.int64]) -> Array:
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    sums: Array = np.add.reduceat(counts[..., order], starts, axis=-1)
    return sums


def contradiction_p_value(cells: Cells, returns: Returns, calibration_error: float) -> float:
    """p-value of the customers who have returned so far, by group of probability.

    Chi-squared test of the observed against the expected returners, sum of (1 - p)(1 - S(d)), in
    GROUPS groups of customers by probability. The covariance has three parts: chance, the error of
    S(d), and `calibration_error`, the standard deviation of an offset of all log-odds.
    """
    share = returns.share_later[cells.band]
    stay, chance = 1 - cells.probability, (1 - cells.probability) * (1 - share)
    group = _groups(cells)
    size = group.max() + 1

    def summed(values: Array) -> Array:
        sums: Array = np.bincount(group, weights=values, minlength=size).astype(float)
        return sums

    gap = summed(cells.returned - cells.customers * chance)
    variance = np.diag(summed(cells.customers * chance * (1 - chance)))
    for band in np.unique(cells.band):
        slope = summed(np.where(cells.band == band, cells.customers * stay, 0.0))
        s, m = _smoothed(returns, band)
        variance += np.outer(slope, slope) * s * (1 - s) / (m + 1)
    slope = summed(cells.customers * cells.probability * chance) * calibration_error
    variance += np.outer(slope, slope)
    used = np.diag(variance) > 0
    if not used.any():
        return 1.0
    reduced = variance[np.ix_(used, used)]
    statistic = gap[used] @ np.linalg.solve(reduced, gap[used])
    return float(stats.chi2.sf(statistic, int(used.sum())))


def _groups(cells: Cells) -> NDArray[np.int64]:
    order = np.argsort(cells.probability, kind="stable")
    before = np.cumsum(cells.customers[order]) - cells.customers[order]
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.minimum(GROUPS * before / cells.customers.sum(), GROUPS - 1).astype(np.int64)
    places: NDArray[np.int64] = np.unique(group, return_inverse=True)[1].astype(np.int64)
    return places


def _smoothed(returns: Returns, band: int) -> tuple[float, float]:
    """S(d) with half a returner added to each side, and the returners with them."""
    m = float(returns.returners[band]) + 1
    return (float(returns.later[band]) + 0.5) / m, m


def estimated(
    cells: Cells,
    returns: Returns,
    *,
    calibration_error: float,
    seed: int,
    level: float = 0.9,
    draws: int = 400,
) -> Early:
    """Expected metrics with an interval for the realised ones, or why they cannot be told.

    Each draw takes an offset of the log-odds (standard deviation `calibration_error`), S(d) from
    its posterior, and churned customers from the weights. The interval holds the middle `level` of
    the draws.
    """
    bands = np.unique(cells.band)
    scarce = returns.returners[bands].min() if len(bands) else 0
    if not cells.customers.sum() or scarce < FEWEST_RETURNERS:
        return Early({}, f"fewer than {FEWEST_RETURNERS} matured returners in a band")
    if contradiction_p_value(cells, returns, calibration_error) < CONTRADICTION:
        return Early({}, "the customers who returned so far contradict the model's probabilities")
    weight = weights(cells.probability, returns.share_later[cells.band])
    churned = cells.waiting * weight
    middle = expected_metrics(cells.probability, churned, cells.customers - churned)
    drawn = _drawn(cells, returns, calibration_error, draws=draws, seed=seed)
    ends = [0.5 - level / 2, 0.5 + level / 2]
    if not np.isfinite([*drawn["roc_auc"], middle["roc_auc"]]).all():
        return Early({}, "all customers are expected to churn, or none")
    bounds = {name: np.quantile(drawn[name], ends) for name in METRICS}
    return Early({n: Estimate(float(middle[n]), *map(float, bounds[n])) for n in METRICS})


def _drawn(
    cells: Cells, returns: Returns, calibration_error: float, *, draws: int, seed: int
) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    offset = random.normal(0, calibration_error, (draws, 1))
    odds = cells.probability / np.maximum(1 - cells.probability, 1e-12) * np.exp(offset)
    stayed = returns.returners - returns.later
    share = random.beta(returns.later + 0.5, stayed + 0.5, (draws, len(returns.later)))
    weight = weights(odds / (1 + odds), share[:, cells.band])
    churned = random.binomial(cells.waiting.astype(np.int64), np.clip(weight, 0, 1)).astype(float)
    return expected_metrics(cells.probability, churned, cells.customers - churned)


def realised(
    probability: Array, churned: Array, stayed: Array, *, seed: int, draws: int = 400
) -> dict[str, Estimate]:
    """The metrics of matured labels with a 95 % bootstrap interval. Empty if a class is empty.

    Each draw takes Poisson counts of churned and stayed customers per cell: the Poisson bootstrap.
    """
    if not churned.sum() or not stayed.sum():
        return {}
    random = np.random.default_rng(seed)
    middle = expected_metrics(probability, churned, stayed)
    drawn = expected_metrics(
        probability,
        random.poisson(churned, (draws, len(churned))).astype(float),
        random.poisson(stayed, (draws, len(stayed))).astype(float),
    )
    bounds = {name: np.nanquantile(drawn[name], [0.025, 0.975]) for name in METRICS}
    return {n: Estimate(float(middle[n]), *map(float, bounds[n])) for n in METRICS}


def verdict(metric: str, estimate: Estimate, reference: float | None, *, fall: float) -> str:
    """fine, fallen, or why it cannot be told, against the value at training.

    fallen: the whole interval is worse than `reference` by the relative `fall`. fine: no part of
    it is. The churn rate is no measure of a model and is not judged.
    """
    if metric == "churn_rate":
        return NOT_JUDGED
    if reference is None:
        return "cannot be told: no value of the training run is known"
    bound = reference * (1 - fall if metric == "roc_auc" else 1 + fall)
    low, high = (
        (estimate.low, estimate.high) if metric == "roc_auc" else (-estimate.high, -estimate.low)
    )
    bound = bound if metric == "roc_auc" else -bound
    if low >= bound:
        return FINE
    return FALLEN if high < bound else "cannot be told: the interval contains the threshold"
