"""Interval of a customer's revenue over a period: a share at zero, else a gamma distribution.

The mean and the probability of no purchase come from a forecast. The variance around the mean is
fitted on past forecasts over several horizons, and grows with the horizon: a customer's rate is
never known exactly, and its error accumulates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaincinv

from models.least_squares import non_negative

Array = NDArray[np.float64]
# Coverage is measured at these levels, beside the level of the published interval.
LEVELS = (0.8, 0.9)
# Rows that a horizon needs to calibrate the levels: a tenth of them is outside the interval.
FEWEST_ROWS = 100
# Relative variance below which a gamma distribution counts as a point.
LEAST_VARIANCE = 1e-12


class Moments(NamedTuple):
    """Forecast of a period, one entry per customer in each array.

    none: probability of no purchase. mean: expected revenue. of_model: the part of its variance
    that the model itself knows. known: days since the first purchase.
    """

    none: Array
    mean: Array
    of_model: Array
    known: Array


@dataclass(frozen=True)
class Spread:
    """Variance around a forecast: lasting x mean^2 + (passing + growing x days) x mean."""

    lasting: float = 0.0
    passing: float = 0.0
    growing: float = 0.0

    @classmethod
    def fit(cls, mean: ArrayLike, came: ArrayLike, days: ArrayLike, *, of_model: ArrayLike) -> Self:
        """Fit on past forecasts; one entry per customer and horizon in each array.

        mean: the forecast. came: the outcome. days: the horizon. of_model: variance that the model
        knows. Least squares of the squared errors with weights of at least 0. Rows are weighted
        down for large means, in relation to the mean of their horizon.
        """
        m, y, h, known = (np.asarray(v, dtype=float) for v in (mean, came, days, of_model))
        if not len(m):
            return cls()
        horizons, place = np.unique(h, return_inverse=True)
        level = np.bincount(place, m, len(horizons)) / np.bincount(place, minlength=len(horizons))
        scale = 1 / np.maximum((m + level[place]) ** 2, 1e-12)
        parts = np.column_stack([m**2, m, m * h])
        if len(horizons) == 1:
            parts[:, 2] = 0.0  # One horizon cannot show growth.
        shares = non_negative(
            parts * scale[:, None], ((y - m) ** 2 - known) * scale, "value_interval"
        )
        return cls(*map(float, shares))

    def variance(self, mean: Array, days: ArrayLike) -> Array:
        return self.lasting * mean**2 + (self.passing + self.growing * np.asarray(days)) * mean


@dataclass(frozen=True)
class Calibrated:
    """A spread, and the level to use for each nominal level.

    levels: (nominal, used) pairs. A gamma distribution is only nearly right, so the used level is
    the one whose interval contained the nominal share of past outcomes. It is taken from customers
    whose probability of no purchase is small: where it exceeds the lower tail, the interval begins
    at 0 and contains more than the nominal share at any level. new_until, new_factor: customers
    known for so many days at most have a variance so many times larger.
    """

    spread: Spread
    levels: tuple[tuple[float, float], ...] = ()
    new_until: int = 0
    new_factor: float = 1.0

    @classmethod
    def fit(
        cls,
        past: Mapping[int, tuple[Moments, Array]],
        wanted: Sequence[float],
        *,
        is_added: bool,
        new_until: int = 0,
    ) -> Self | None:
        """Fit on past forecasts and outcomes by horizon in days; None: there are none.

        is_added: the spread is added to the variance of the model; otherwise it replaces it. The
        levels come from the longest horizon with FEWEST_ROWS rows, the nearest to a year.
        new_until: days known up to which a customer is new.
        """
        filled = {h: pair for h, pair in past.items() if len(pair[1])}
        if not filled:
            return None
        days = np.concatenate([np.full(len(came), float(h)) for h, (_, came) in filled.items()])
        mean = np.concatenate([moments.mean for moments, _ in filled.values()])
        came = np.concatenate([outcome for _, outcome in filled.values()])
        known = np.concatenate([moments.of_model for moments, _ in filled.values()])
        of_model = known if is_added else np.zeros(len(mean))
        fitted = cls(Spread.fit(mean, came, days, of_model=of_model), (), new_until)
        tenure = np.concatenate([moments.known for moments, _ in filled.values()])
        variance = fitted.variance(mean, days, tenure, of_model=of_model)
        fitted = replace(fitted, new_factor=_new_factor(mean, came, variance, tenure <= new_until))
        longest = max((h for h, (_, y) in filled.items() if len(y) >= FEWEST_ROWS), default=None)
        if longest is None:
            return fitted
        moments, outcome = filled[longest]
        extra = moments.of_model if is_added else np.zeros(len(outcome))
        variance = fitted.variance(moments.mean, longest, moments.known, of_model=extra)
        places = centrality(moments.none, moments.mean, variance, came=outcome)
        levels = []
        for nominal in wanted:
            buys = places[moments.none < (1 - nominal) / 2]
            is_enough = len(buys) >= FEWEST_ROWS
            levels.append((nominal, float(np.quantile(buys, nominal)) if is_enough else nominal))
        return replace(fitted, levels=tuple(levels))

    def variance(
        self, mean: Array, days: ArrayLike, known: Array, *, of_model: Array | float = 0.0
    ) -> Array:
        """Variance of the outcome around its forecast, larger for new customers."""
        whole = of_model + self.spread.variance(mean, days)
        return np.where(known <= self.new_until, self.new_factor, 1.0) * whole

    def level(self, nominal: float) -> float:
        """The level to use for a nominal one; itself where none was fitted."""
        return dict(self.levels).get(nominal, nominal)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The content of dataclasses.asdict, also after JSON."""
        levels = tuple((float(n), float(u)) for n, u in content["levels"])
        spread = Spread(**content["spread"])
        return cls(spread, levels, content["new_until"], content["new_factor"])


@dataclass(frozen=True)
class Intervals:
    """Intervals of the revenue of a group of customers.

    value: of the revenue around its forecast. purchases: spread of the number of purchase days,
    which gives the probability of no purchase.
    """

    value: Calibrated
    purchases: Spread

    @classmethod
    def from_dict(cls, content: Mapping[str, Any] | None) -> Self | None:
        """The content of dataclasses.asdict, also after JSON; None for None."""
        if content is None:
            return None
        return cls(Calibrated.from_dict(content["value"]), Spread(**content["purchases"]))


def levels_of(interval: float) -> tuple[float, ...]:
    """The levels to calibrate: LEVELS and the level of the published interval."""
    return tuple(sorted({*LEVELS, interval}))


def quantiles(none: Array, mean: Array, variance: Array, *, level: float) -> tuple[Array, Array]:
    """The central interval of a level: 0 with probability `none`, else gamma; its two bounds.

    mean, variance: of the whole distribution.
    """
    shape, first, some = _gamma(none, mean, variance)
    tail = (1 - level) / 2

    def quantile(at: float) -> Array:
        inside = np.clip((at - none) / some, 0.0, 1.0)
        return gammaincinv(shape, inside) * first / shape

    return quantile(tail), quantile(1 - tail)


def centrality(none: Array, mean: Array, variance: Array, *, came: Array) -> Array:
    """The smallest level whose central interval holds the outcome, one entry per customer."""
    shape, first, some = _gamma(none, mean, variance)
    # A mean of 0 counts as 1e-200: the quotient stays below the largest double.
    scaled = np.maximum(came, 0.0) * shape / np.maximum(first, 1e-200)
    below = none + some * gammainc(shape, scaled)
    return np.where(came <= 0, np.maximum(1 - 2 * none, 0.0), np.abs(2 * below - 1))


def p_none(mean: Array, variance: Array) -> Array:
    """P(N = 0) of a count with this mean and variance: negative binomial, at least Poisson.

    >>> p_none(np.array([1.0, 1.0]), np.array([1.0, 2.0])).round(4).tolist()
    [0.3679, 0.5]
    """
    few = np.maximum(mean, 1e-12)
    over = np.maximum(variance / few - 1, 1e-9)
    none: Array = np.where(mean > 0, np.exp(-few / over * np.log1p(over)), 1.0)
    return none


def _new_factor(mean: Array, came: Array, variance: Array, is_new: NDArray[np.bool_]) -> float:
    """Squared errors of new customers over their variance, at least 1; 1 for few of them."""
    if is_new.sum() < FEWEST_ROWS:
        return 1.0
    m, left, of_spread = (v[is_new] for v in (mean, (came - mean) ** 2, variance))
    weight = 1 / np.maximum((m + m.mean()) ** 2, 1e-12)
    return float(max((left * weight).sum() / max((of_spread * weight).sum(), 1e-300), 1.0))


def _gamma(none: Array, mean: Array, variance: Array) -> tuple[Array, Array, Array]:
    """Shape and mean of the gamma part, and its probability."""
    some = np.maximum(1 - none, 1e-12)
    first = mean / some
    squares = (variance + mean**2) / some - first**2
    left = np.maximum(squares, LEAST_VARIANCE * first**2 + 1e-300)
    return np.clip(first**2 / left, 1e-3, 1e8), first, some
