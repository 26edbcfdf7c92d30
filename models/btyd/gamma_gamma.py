"""Gamma-Gamma: what a purchase is worth (Fader & Hardie 2013, "The Gamma-Gamma Model").

A purchase of a customer is worth gamma(p, n), n of customers is gamma(q, v). With the mean m of x
purchases, log likelihood = Γ(px + q) / (Γ(px) Γ(q)) in logs + q log v + (px - 1) log m + px log x
- (px + q) log(xm + v). It holds that frequency says nothing about value: check their correlation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import digamma, gammaln

from models.btyd.rows import Array, LifetimeDataError

NAMES = ("p", "q", "v")
# At or below 2 the model's variance of what customers are worth is infinite; it is bounded here.
LEAST_SHAPE = 2.05


@dataclass(frozen=True)
class SpendRows:
    """One row a distinct (frequency, mean value of repeat purchases) with its customers."""

    frequency: Array
    value: Array
    weight: Array

    @classmethod
    def of(
        cls, frequency: ArrayLike, value: ArrayLike, weight: ArrayLike | None = None
    ) -> SpendRows:
        """Check and merge equal rows; values must be above 0. Raises LifetimeDataError."""
        count = np.ones(np.shape(frequency)) if weight is None else weight
        columns = {"frequency": frequency, "value": value, "weight": count}
        rows = pd.DataFrame({n: np.asarray(v, dtype=float) for n, v in columns.items()})
        bad = ~np.isfinite(rows).all(axis=1) | (rows <= 0).any(axis=1)
        if bad.any():
            raise LifetimeDataError(
                f"{int(bad.sum()):,} rows have a frequency, value or weight that is missing or not "
                "above 0. The model is for customers with a repeat purchase of positive mean value."
            )
        merged = rows.groupby(["frequency", "value"], sort=True, as_index=False).sum()
        return cls(*(merged[n].to_numpy() for n in ("frequency", "value", "weight")))

    def __len__(self) -> int:
        return len(self.frequency)

    @property
    def customers(self) -> float:
        return float(self.weight.sum())

    def thinned(self, most: int) -> SpendRows:
        """At most `most` rows, evenly over their order: to look for a start, never for a fit."""
        if len(self) <= most:
            return self
        chosen = np.linspace(0, len(self) - 1, most).astype(int)
        return SpendRows(self.frequency[chosen], self.value[chosen], self.weight[chosen])


class GammaGammaLikelihood:
    """log likelihood and gradient by log(p, q, v)."""

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
    """The fitted model; money in the data's currency."""

    p: float
    q: float
    v: float

    def expected_value(self, frequency: ArrayLike, value: ArrayLike) -> Array:
        """Expected value of a purchase, given x purchases of mean m; x = 0: of any customer.

        Infinite for q at or below 1 and x = 0: such a fit is not used.
        """
        shape, total = self._posterior(frequency, value)
        with np.errstate(divide="ignore"):
            return self.p * total / np.maximum(shape - 1, 0.0)

    def spread(self, frequency: ArrayLike, value: ArrayLike) -> tuple[Array, Array]:
        """Expected variance of a customer's purchases, and expected square of their mean.

        With k the shape: (k - 1) / (k - 2) times the square of `expected_value`, and its p-th part.
        """
        shape = np.maximum(self._posterior(frequency, value)[0], LEAST_SHAPE)
        square = self.expected_value(frequency, value) ** 2 * (shape - 1) / (shape - 2)
        return square / self.p, square

    def _posterior(self, frequency: ArrayLike, value: ArrayLike) -> tuple[Array, Array]:
        x = np.asarray(frequency, dtype=float)
        m = np.where(x > 0, np.nan_to_num(np.asarray(value, dtype=float)), 0.0)
        # Who spent nothing or less on average stands with the mean of all.
        x = np.where(m > 0, x, 0.0)
        return self.p * x + self.q, self.v + x * np.maximum(m, 0.0)
