"""Whether customers leave for good, and whether the purchases show who has left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.btyd.choice import MOST_START_ROWS, Btyd, fitted
from models.btyd.fitting import Fit
from models.btyd.rows import Array, PurchaseRows

# Why P(alive) is not shown.
NO_DROPOUT, NOT_PRECISE = "no_dropout", "not_precise"
YEAR = 365.0
# Step of the central differences, in logarithms of the parameters.
STEP = 1e-4


@dataclass(frozen=True)
class Bounds:
    """When dropout exists, and when P(alive) is precise enough to be shown; see conf, lifetime."""

    least_likelihood_ratio: float
    least_leaving_a_year: float
    most_p_alive_error: float


@dataclass(frozen=True)
class Dropout:
    """What the purchases show about customers who leave.

    likelihood_ratio: twice the log-likelihood gained over the NBD model, in which nobody leaves;
    None: that model could not be fitted. leaving_a_year: share of the retainable customers who are
    still customers now and will not be in a year. p_alive_error: their median standard error of
    P(alive); None: the fit has no maximum. missing: NO_DROPOUT or NOT_PRECISE, why P(alive) is not
    shown; None: it is shown.
    """

    likelihood_ratio: float | None
    leaving_a_year: float
    p_alive_error: float | None
    missing: str | None


def dropout(
    name: str,
    fit: Fit,
    without: Fit | None,
    *,
    rows: PurchaseRows,
    silent_days: int,
    bounds: Bounds,
) -> Dropout:
    """What the fit of a model shows about dropout.

    without: the NBD fit on the same customers. rows: all of them or a sample; at most
    MOST_START_ROWS are used. Retainable: last purchase at most silent_days before as_of; if there
    is none, all customers.
    """
    retainable = _retainable(rows.thinned(MOST_START_ROWS), silent_days)
    ratio = None if without is None else max(0.0, 2 * (fit.log_likelihood - without.log_likelihood))
    leaving = leaving_a_year(fitted(name, fit), retainable)
    error = None
    if fit.converged and fit.log_covariance is not None:
        error = _median(p_alive_errors(name, fit, retainable), retainable.weight)
    exists = ratio is not None and ratio > bounds.least_likelihood_ratio
    missing = None
    if not exists or leaving < bounds.least_leaving_a_year:
        missing = NO_DROPOUT
    elif error is None or error > bounds.most_p_alive_error:
        missing = NOT_PRECISE
    return Dropout(ratio, leaving, error, missing)


def leaving_a_year(model: Btyd, rows: PurchaseRows) -> float:
    """Of the customers who have not left, the share who will leave within a year."""
    alive = model.p_alive(rows.frequency, rows.recency, rows.T) * rows.weight
    stays = model.still_alive(rows.frequency, rows.T, YEAR)
    return float(alive @ (1 - stays) / max(float(alive.sum()), 1e-300))


def p_alive_errors(name: str, fit: Fit, rows: PurchaseRows) -> Array:
    """Standard error of P(alive) of each row, by the delta method over the log parameters."""
    at, slopes = np.log(fit.values), []
    for place in range(len(at)):
        step = np.zeros_like(at)
        step[place] = STEP
        high, low = (
            fitted(name, fit.at(np.exp(point))).p_alive(rows.frequency, rows.recency, rows.T)
            for point in (at + step, at - step)
        )
        slopes.append((high - low) / (2 * STEP))
    slope = np.array(slopes)
    variance = np.einsum("in,ij,jn->n", slope, np.array(fit.log_covariance), slope)
    return np.sqrt(np.maximum(variance, 0.0))


def _retainable(rows: PurchaseRows, silent_days: int) -> PurchaseRows:
    kept = rows.T - rows.recency + 1 <= silent_days
    if not kept.any():
        return rows
    parts = (rows.frequency, rows.recency, rows.T, rows.weight)
    return PurchaseRows(*(part[kept] for part in parts))


def _median(values: Array, weight: Array) -> float:
    """The smallest value that at least half of the weight does not exceed."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
