"""Effects of a campaign that was not randomised: the region of overlap, and the effect within it.

All functions take the customers of one campaign, treated (1) or untreated (0), with features known
before the campaign. The estimate keeps the bias of unobserved confounders, which influenced both
the targeting and the outcome. It is therefore weaker evidence than an experiment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models.uplift.metrics import Estimate

Floats = NDArray[np.float64]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Rubin 2001: regression adjustment is unreliable above a quarter of a standard deviation.
MOST_IMBALANCE = 0.25
ADJUSTED = "not randomised: adjusted for what was known before"
NO_OVERLAP = "no overlap: no estimate"
NOT_BALANCED = "not balanced: no estimate"


@dataclass(frozen=True)
class Overlap:
    """The region of overlap, and how comparable treated and untreated customers are.

    kept: True for rows in the region, where a customer could have been treated or untreated.
    treated, untreated: propensities at QUANTILES, over all rows. imbalance_before: the largest
    standardised mean difference over the columns, unweighted over all rows. imbalance_after: the
    same, weighted and within the region (NaN: no overlap). verdict: ADJUSTED, NO_OVERLAP or
    NOT_BALANCED.
    """

    kept: NDArray[np.bool_]
    treated: Floats
    untreated: Floats
    imbalance_before: float
    imbalance_after: float
    verdict: str

    @property
    def share(self) -> float:
        """Share of customers in the region."""
        return float(self.kept.mean())


def known_before(matrix: NDArray[np.float32]) -> Floats:
    """Standardised columns (mean 0, standard deviation 1) from features that may be NaN.

    Values x become sign(x) * log(1 + |x|). NaN is replaced by the median and gets an indicator
    column. Constant columns are left out.
    """
    values = np.asarray(matrix, dtype=float)
    values = values[:, ~np.isnan(values).all(axis=0)]
    is_gap = np.isnan(values)
    logged = np.sign(values) * np.log1p(np.abs(values))
    filled = np.where(is_gap, np.nanmedian(logged, axis=0), logged)
    both = np.column_stack([filled, is_gap[:, is_gap.any(axis=0)].astype(float)])
    spread = both.std(axis=0)
    varies = spread > 1e-9
    return (both[:, varies] - both[:, varies].mean(axis=0)) / spread[varies]


def propensities(x: Floats, treated: Floats, fold: Floats) -> Floats:
    """P(treated | x) by ridge logistic regression. Each fold is predicted by a fit on the other."""

    p = np.empty(len(x))
    for side in (0.0, 1.0):
        train, test = fold != side, fold == side
        if len(np.unique(treated[train])) < 2:  # one class only: no regression is possible
            p[test] = treated[train].mean() if train.any() else treated.mean()
            continue
        model = LogisticRegression(max_iter=2_000).fit(x[train], treated[train])
        p[test] = model.predict_proba(x[test])[:, 1]
    return p


def overlap(
    x: Floats, treated: Floats, p: Floats, *, least_p: float, least_share: float, fewest: int
) -> Overlap:
    """The region of common support, and whether it allows an estimate.

    In the region both groups have such propensities, and p lies in [least_p, 1 - least_p] (Crump,
    Hotz, Imbens and Mitnik 2009). The verdict is NO_OVERLAP if the region has less than
    `least_share` of the customers or fewer than `fewest` of either group. It is NOT_BALANCED if the
    imbalance after weighting exceeds MOST_IMBALANCE.
    """
    sides = [p[treated == side] for side in (0, 1)]
    low = max(least_p, *(s.min() for s in sides))
    high = min(1 - least_p, *(s.max() for s in sides))
    kept = (p >= low) & (p <= high)
    sizes = [int((kept & (treated == side)).sum()) for side in (0, 1)]
    weight = 1 / np.clip(np.where(treated == 1, p, 1 - p), least_p, 1)
    if kept.mean() < least_share or min(sizes) < max(fewest, 2):
        after, verdict = float("nan"), NO_OVERLAP
    else:
        after = imbalance(x, treated, np.where(kept, weight, 0.0))
        verdict = ADJUSTED if after <= MOST_IMBALANCE else NOT_BALANCED
    before = imbalance(x, treated, np.ones(len(x)))
    untreated, reached = (np.quantile(s, QUANTILES) for s in sides)
    return Overlap(kept, reached, untreated, before, after, verdict)


def imbalance(x: Floats, treated: Floats, weight: Floats) -> float:
    """The largest standardised mean difference over the columns (Stuart 2010): the difference of
    weighted means, divided by the unweighted standard deviation pooled over both groups."""
    up, down = treated == 1, treated == 0
    spread = np.sqrt((x[up].var(axis=0) + x[down].var(axis=0)) / 2)
    means = [np.average(x[s], axis=0, weights=weight[s]) for s in (up, down)]
    return float(np.max(np.abs(means[0] - means[1]) / np.where(spread > 1e-9, spread, np.inf)))


def mean_of(falls: Floats, customer: NDArray[np.int64]) -> Estimate:
    """The mean of doubly robust effects (`fall`), with a 95 % interval clustered by customer.

    `customer`: the customer number of each row, from 0. A customer can have rows in several
    campaigns.
    """
    mean = float(falls.mean())
    by = np.bincount(customer, weights=falls - mean)
    people = int((np.bincount(customer) > 0).sum())
    error = float(np.sqrt((by**2).sum() * people / max(people - 1, 1))) / len(falls)
    return Estimate(mean, mean - 1.96 * error, mean + 1.96 * error)
