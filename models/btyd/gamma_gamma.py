"""Gamma-Gamma: expected value of a purchase (Fader & Hardie 2013, "The Gamma-Gamma Model").

The value of a customer's purchase has a gamma(p, n) distribution, and n has a gamma(q, v)
distribution over customers. For the mean m of x purchases, the log-likelihood is
log(Γ(px + q) / (Γ(px) Γ(q))) + q log v + (px - 1) log m + px log x - (px + q) log(xm + v).
The model assumes that value is independent of frequency: check their correlation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import digamma, gammaln

from contracts.wording import plural
from models.btyd.rows import Array, LifetimeDataError

NAMES = ("p", "q", "v")
# The variance of the customers' mean values is infinite for a shape of 2 or less: bound the shape.
LEAST_SHAPE = 2.05


@dataclass(frozen=True)
class SpendRows:
    """One row per distinct (frequency, mean value of the repeat purchases).

    weight: the number of customers with that row.
    """

    frequency: Array
    value: Array
    weight: Array

    @classmethod
    def of(
        cls, frequency: ArrayLike, value: ArrayLike, weight: ArrayLike | None = None
    ) -> SpendRows:
        """Check the rows and merge equal ones. All values must be above 0.

        Raises LifetimeDataError.
        """
        count = np.ones(np.shape(frequency)) if weight is None else weight
        columns = {"frequency": frequency, "value": value, "weight": count}
        rows = pd.DataFrame({n: np.asarray(v, dtype=float) for n, v in columns.items()})
        bad = ~np.isfinite(rows).all(axis=1) | (rows <= 0).any(axis=1)
        if bad.any():
            raise LifetimeDataError(
                f"{plural(int(bad.sum()), 'row')} with a frequency, value or weight that is "
                "missing or not above 0. Use only customers who have repeat purchases with a "
                "positive mean value."
            )
        merged = rows.groupby(["frequency", "value"], sort=True, as_index=False).sum()
        return cls(*(merged[n].to_numpy() for n in ("frequency", "value", "weight")))

    def __len__(self) -> int:
        return len(self.frequency)

    @property
    def customers(self) -> float:
        return float(self.weight.sum())

    def thinned(self, most: int) -> SpendRows:
        """At most `most` rows, evenly spaced. Use them to choose a starting point, not to fit."""
        if len(self) <= most:
            return self
        chosen = np.linspace(0, len(self) - 1, most).astype(int)
        return SpendRows(self.frequency[chosen], self.value[chosen], self.weight[chosen])


class GammaGammaLikelihood:
    """Log-likelihood and its gradient by log(p, q, v)."""

    def __init__(self, rows: SpendRows) -> None:
        self.x, self.m, self.weight = rows.frequency, rows.value, rows.weight
        self.counts, self.index = np.unique(self.x, return_inverse=True)
        self.of_count = np.bincount(self.index, self.weight)
        self.customers = rows.customers
        self.log_m, self.x_weight = self.weight @ np.log(self.m), self.weight * self.x
        self.log_total = self.x_weight @ (np.log(self.m) + np.log(self.x))

    def __call__(self, log_parameters: Array) -> tuple[float, Array]:
        p, q, v = theta = np.exp(log_parameters)
        n, shape = self.customers, p * self.counts
        log_sum = np.log(self.x * self.m + v)
        value = (
            self.of_count @ (gammaln(shape + q) - gammaln(shape))
            + n * (q * np.log(v) - gammaln(q))
            + p * self.log_total
            - self.log_m
            - (p * self.x_weight + q * self.weight) @ log_sum
        )
        both, alone = digamma(shape + q), digamma(shape)
        by_p = (self.of_count * self.counts) @ (both - alone) + self.log_total
        by_p -= self.x_weight @ log_sum
        by_q = self.of_count @ both + n * (np.log(v) - digamma(q)) - self.weight @ log_sum
        by_v = n * q / v - (p * self.x_weight + q * self.weight) @ np.exp(-log_sum)
        return float(value), np.array([by_p, by_q, by_v]) * theta


@dataclass(frozen=True)
class GammaGamma:
    """The fitted model. Money is in the currency of the data."""

    p: float
    q: float
    v: float

    def expected_value(self, frequency: ArrayLike, value: ArrayLike) -> Array:
        """Expected value of a purchase per customer, given x purchases of mean m.

        For x = 0 it is the mean over all customers. For x = 0 and q <= 1 it is infinite: such a fit
        is not used.
        """
        shape, total = self._posterior(frequency, value)
        with np.errstate(divide="ignore"):
            return self.p * total / np.maximum(shape - 1, 0.0)

    def spread(self, frequency: ArrayLike, value: ArrayLike) -> tuple[Array, Array]:
        """Expected variance of a customer's purchases, and expected square of the customer's mean.

        With k = px + q, the square is (k - 1) / (k - 2) times the square of `expected_value`. The
        variance is the square divided by p.
        """
        shape = np.maximum(self._posterior(frequency, value)[0], LEAST_SHAPE)
        square = self.expected_value(frequency, value) ** 2 * (shape - 1) / (shape - 2)
        return square / self.p, square

    def _posterior(self, frequency: ArrayLike, value: ArrayLike) -> tuple[Array, Array]:
        x = np.asarray(frequency, dtype=float)
        m = np.where(x > 0, np.nan_to_num(np.asarray(value, dtype=float)), 0.0)
        # A customer whose mean value is 0 or negative gets the mean over all customers.
        x = np.where(m > 0, x, 0.0)
        return self.p * x + self.q, self.v + x * np.maximum(m, 0.0)
