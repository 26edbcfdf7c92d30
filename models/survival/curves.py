"""Remaining lifetime of each customer: days and probabilities from the model's survival curve.

All figures come from the same daily curve S(age + u) / S(age), u = 0 to 36 months ahead, so they
never contradict each other. This holds for all models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from models.row_sums import row_sums
from models.survival.rows import Array, SurvivalError, Whole

DAYS_A_MONTH = 365.25 / 12
MONTHS = 36
# Ends of the months 1 to 36, in days ahead. The last is the longest horizon of a prediction.
MONTH_ENDS = np.rint(np.arange(1, MONTHS + 1) * DAYS_A_MONTH).astype(np.int64)
HORIZON_DAYS = int(MONTH_ENDS[-1])
# Rows per block: 128 curves x 1,097 days x 8 bytes = 1 MB, which fits into the cache of a core.
ROWS_AT_ONCE = 128

# Limit of the absolute log hazard ratio, so that an extreme covariate does not overflow. At the
# limit a customer practically never leaves, or leaves at once.
EXTREME = 50.0


class Curve(Protocol):
    """The methods of a fitted model that predictions use."""

    def conditional_survival(
        self, x: Array, age: Array, days: Whole, *, stratum: Sequence[str] | None = None
    ) -> Array:
        """P(survival beyond age + days), given survival to age, of shape (rows, days)."""
        ...

    def observed_days(self, age: Array, stratum: Sequence[str] | None = None) -> Array:
        """Days ahead of each age that were observed in the fit. Later days are extrapolated."""
        ...


@dataclass(frozen=True)
class RemainingLife:
    """Arrays with one entry per row, in days ahead; NaN where the value is not known.

    S is the probability of still being a customer.
    by_month: (rows, 36), S at the end of each month.
    expected_days: expected days as a customer within 36 months (restricted mean).
    median_days: first day with S below 1/2; NaN: not within 36 months.
    low_days, high_days: bounds of the interval: the event is before low_days, and after high_days,
        with probability (1 - level) / 2 each; NaN: not within 36 months.
    churn: probability of the event within each horizon.
    observed_days: days ahead that were observed in the fit.
    sums: (rows, columns of day_weights), weighted sums of S over the days ahead.
    """

    by_month: Array
    expected_days: Array
    median_days: Array
    low_days: Array
    high_days: Array
    churn: dict[int, Array]
    observed_days: Array
    sums: Array


def remaining_life(
    model: Curve,
    x: ArrayLike,
    age: ArrayLike,
    *,
    horizons: Sequence[int],
    stratum: Sequence[str] | None = None,
    level: float = 0.8,
    day_weights: Array | None = None,
) -> RemainingLife:
    """Predictions for each row of covariates `x` at its `age` in days.

    horizons: days, each from 1 to 36 months. level: probability of the interval. day_weights:
    weights for `sums`, of shape (days 0 to 36 months ahead, columns). Raises SurvivalError for a
    horizon or level outside its range.
    """
    _check(horizons, level)
    weights = np.empty((HORIZON_DAYS + 1, 0)) if day_weights is None else day_weights
    x, age = np.asarray(x, dtype=float), np.asarray(age)
    blocks = [np.empty((0, 4 + len(horizons) + MONTHS + weights.shape[1]))]
    for begin in range(0, len(x), ROWS_AT_ONCE):
        rows = slice(begin, begin + ROWS_AT_ONCE)
        names = None if stratum is None else list(stratum[rows])
        curve = model.conditional_survival(
            x[rows], age[rows], np.arange(HORIZON_DAYS + 1), stratum=names
        )
        blocks.append(np.hstack([_figures(curve, horizons, level), row_sums(curve, weights)]))
    figures = np.concatenate(blocks)
    until = 4 + len(horizons) + MONTHS
    churn = {h: figures[:, 4 + k] for k, h in enumerate(horizons)}
    return RemainingLife(
        by_month=figures[:, 4 + len(horizons) : until],
        expected_days=figures[:, 0],
        median_days=figures[:, 1],
        low_days=figures[:, 2],
        high_days=figures[:, 3],
        churn=churn,
        observed_days=model.observed_days(age, stratum),
        sums=figures[:, until:],
    )


def _figures(curve: Array, horizons: Sequence[int], level: float) -> Array:
    """Figures from daily curves, of shape (rows, 4 + horizons + months)."""
    tail = (1 - level) / 2
    return np.column_stack(
        [
            curve[:, :-1].sum(axis=1),
            _first_below(curve, 0.5),
            _first_below(curve, 1 - tail),
            _first_below(curve, tail),
            *[1.0 - curve[:, h] for h in horizons],
            curve[:, MONTH_ENDS],
        ]
    )


def _first_below(curve: Array, share: float) -> Array:
    """First day on which the curve is below the share; NaN if there is none. Curves never rise."""
    days = (curve >= share).sum(axis=1).astype(float)
    is_never = (days == curve.shape[1]) | np.isnan(curve[:, 0])
    return np.where(is_never, np.nan, days)


def _check(horizons: Sequence[int], level: float) -> None:
    outside = [h for h in horizons if not 1 <= h <= HORIZON_DAYS]
    if outside:
        raise SurvivalError(
            f"horizons: must be from 1 to {HORIZON_DAYS} days (36 months), got {outside[0]}. "
            "Choose a horizon in this range."
        )
    if not 0 < level < 1:
        raise SurvivalError(
            f"level: must be between 0 and 1, got {level:g}. Use 0.8 for an 80 % interval."
        )
