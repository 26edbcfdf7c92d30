"""What is left of a customer's life: from a model's curve, given alive today, to days and chances.

Every figure comes from the same daily curve S(age + u) / S(age), u = 0 to 36 months ahead,
whichever model drew it, so that they never contradict each other.
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
# Ends of the months 1 to 36, in days ahead; the last is as far as anything is foretold.
MONTH_ENDS = np.rint(np.arange(1, MONTHS + 1) * DAYS_A_MONTH).astype(np.int64)
HORIZON_DAYS = int(MONTH_ENDS[-1])
# Curves held at once: 128 x 1,097 days x 8 bytes = 1 MB stays in a core's cache.
ROWS_AT_ONCE = 128

# Log of a hazard ratio beyond which a life is as good as endless, or as good as over: an extreme
# covariate must not overflow.
EXTREME = 50.0


class Curve(Protocol):
    """A fitted model, as prediction needs it."""

    def conditional_survival(
        self, x: Array, age: Array, days: Whole, stratum: Sequence[str] | None = None
    ) -> Array:
        """(rows, days): chance to live beyond age + each of days, given alive at age."""
        ...

    def observed_days(self, age: Array, stratum: Sequence[str] | None = None) -> Array:
        """How many days ahead the curve rests on observation; beyond, it is continued."""
        ...


@dataclass(frozen=True)
class RemainingLife:
    """One entry a row, in days ahead; NaN where it is not known.

    by_month: (rows, 36) chance to be there at the end of each month.
    expected_days: mean of the days lived within 36 months (restricted mean).
    median_days: first day on which the chance to be there is below 1/2; NaN: not within 36 months.
    low_days, high_days: the event falls before low_days, and after high_days, with half of
        1 - level each; NaN likewise.
    churn: chance of the event within each horizon.
    observed_days: how far the curve rests on observation.
    sums: (rows, columns of day_weights) sums over the days ahead of the chance to be there.
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
    horizons: Sequence[int],
    stratum: Sequence[str] | None = None,
    level: float = 0.8,
    day_weights: Array | None = None,
) -> RemainingLife:
    """The figures of each row of covariates at its age; horizons in days, at most 36 months.

    day_weights: (days 0 to 36 months ahead, columns), for sums over the curve.
    """
    _check(horizons, level)
    weights = np.empty((HORIZON_DAYS + 1, 0)) if day_weights is None else day_weights
    x, age = np.asarray(x, dtype=float), np.asarray(age)
    blocks = [np.empty((0, 4 + len(horizons) + MONTHS + weights.shape[1]))]
    for begin in range(0, len(x), ROWS_AT_ONCE):
        rows = slice(begin, begin + ROWS_AT_ONCE)
        names = None if stratum is None else list(stratum[rows])
        curve = model.conditional_survival(x[rows], age[rows], np.arange(HORIZON_DAYS + 1), names)
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
    """(rows, 4 + horizons + months) from daily curves."""
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
    """First day on which the curve is below the share; NaN: on none. Curves never rise."""
    days = (curve >= share).sum(axis=1).astype(float)
    is_never = (days == curve.shape[1]) | np.isnan(curve[:, 0])
    return np.where(is_never, np.nan, days)


def _check(horizons: Sequence[int], level: float) -> None:
    outside = [h for h in horizons if not 1 <= h <= HORIZON_DAYS]
    if outside:
        raise SurvivalError(
            f"horizons: must lie in 1..{HORIZON_DAYS} days (36 months), got {outside[0]}. Choose "
            "shorter ones."
        )
    if not 0 < level < 1:
        raise SurvivalError(
            f"level: must lie between 0 and 1, got {level:g}. Write 0.8 for an 80 % interval."
        )
