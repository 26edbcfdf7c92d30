"""Effects of a campaign that was not sent at random: whom it could have reached, and what it did
among those.

Everything is of one campaign's customers, treated (1) or not (0), described by what was known
before it. What was not known, and decided both who was written to and who stays, remains in the
estimate: it is never worth as much as one of an experiment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.uplift.metrics import Estimate

Floats = NDArray[np.float64]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Rubin 2001: beyond a quarter of a standard deviation a regression cannot mend what differs.
MOST_IMBALANCE = 0.25
ADJUSTED = "not randomised: adjusted for what was known before"
NO_OVERLAP = "no overlap: no estimate"
NOT_BALANCED = "not balanced: no estimate"


@dataclass(frozen=True)
class Overlap:
    """How comparable treated and untreated are.

    kept: the rows of the region, where a customer could have been either. treated, untreated: their
    propensities at QUANTILES, over all rows. imbalance: the largest standardised mean difference
    over the columns, as found, and weighted within the region (NaN: no overlap).
    """

    kept: NDArray[np.bool_]
    treated: Floats
    untreated: Floats
    imbalance_before: float
    imbalance_after: float
    verdict: str

    @property
    def share(self) -> float:
        """Share of the customers in the region."""
        return float(self.kept.mean())


def known_before(matrix: NDArray[np.float32]) -> Floats:
    """Columns of mean 0 and deviation 1 from features with NaN: long tails as logarithms, a gap
    filled by the median and told by a column of its own. What never varies is left out."""
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
    """P(treated | x) by logistic regression (ridge), each fold by a fit on the other one."""
    from sklearn.linear_model import LogisticRegression

    found = np.empty(len(x))
    for side in (0.0, 1.0):
        learned, told = fold != side, fold == side
        if len(np.unique(treated[learned])) < 2:  # nobody, or everybody: so it will be here
            found[told] = treated[learned].mean() if learned.any() else treated.mean()
            continue
        model = LogisticRegression(max_iter=2_000).fit(x[learned], treated[learned])
        found[told] = model.predict_proba(x[told])[:, 1]
    return found


def overlap(
    x: Floats, treated: Floats, p: Floats, least_p: float, least_share: float, fewest: int
) -> Overlap:
    """The region where treated and untreated both are and p lies in [least_p, 1 - least_p] (Crump,
    Hotz, Imbens and Mitnik 2009), and whether an estimate may be made in it.

    None may where it holds under `least_share` of the customers or under `fewest` of either side,
    or where weighting leaves a column further apart than MOST_IMBALANCE.
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
    """The largest standardised mean difference: of weighted means, over the deviation that both
    sides have without weights (Stuart 2010)."""
    up, down = treated == 1, treated == 0
    spread = np.sqrt((x[up].var(axis=0) + x[down].var(axis=0)) / 2)
    means = [np.average(x[s], axis=0, weights=weight[s]) for s in (up, down)]
    return float(np.max(np.abs(means[0] - means[1]) / np.where(spread > 1e-9, spread, np.inf)))


def mean_of(falls: Floats, customer: NDArray[np.int64]) -> Estimate:
    """The mean of doubly robust falls, with an interval that lets a customer's rows be alike.

    `customer` numbers the customers from 0; one may have a row in each of several campaigns.
    """
    mean = float(falls.mean())
    by = np.bincount(customer, weights=falls - mean)
    people = int((np.bincount(customer) > 0).sum())
    error = float(np.sqrt((by**2).sum() * people / max(people - 1, 1))) / len(falls)
    return Estimate(mean, mean - 1.96 * error, mean + 1.96 * error)
