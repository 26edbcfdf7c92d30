"""Expected value of a purchase by credibility: the customer's own mean, shrunk to a group mean.

Bühlmann & Straub 1970. The mean m of x purchases has the weight x / (x + κ), and the mean of the
customer's frequency band has the remaining weight. κ is the variance within customers over the
variance between customers. Unlike Gamma-Gamma, values may depend on frequency, and no distribution
is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from models.btyd.rows import Array, NotFittableError

BANDS = 10
# Values with a relative variance below this are equal up to rounding: they correlate with nothing.
CONSTANT = 1e-12


@dataclass(frozen=True)
class Credibility:
    """The fitted model. Money is in the currency of the data.

    highest: largest frequency of each band, ascending. means: mean value of a purchase per band.
    within, between: variance within and between customers.
    """

    highest: tuple[float, ...]
    means: tuple[float, ...]
    within: float
    between: float

    @classmethod
    def fit(cls, sums: pd.DataFrame) -> Credibility:
        """Fit on one row per frequency; at most one row per day of history.

        Columns: frequency, customers, value (sum of the customers' mean values) and square (sum of
        the squared mean values). Raises NotFittableError where no row has a customer.
        """
        rows = sums[sums["customers"] > 0].sort_values("frequency")
        if not len(rows):
            raise NotFittableError("no customer has repeat purchases with a positive mean value.")
        count = rows["customers"].to_numpy(dtype=float)
        place = np.minimum((np.cumsum(count) - count) / count.sum() * BANDS, BANDS - 1).astype(int)
        bands = rows.groupby(place)
        means = bands["value"].sum() / bands["customers"].sum()
        within, between = _variances(rows)
        highest = bands["frequency"].max()
        return cls(tuple(map(float, highest)), tuple(map(float, means)), within, between)

    def expected_value(self, frequency: ArrayLike, value: ArrayLike) -> Array:
        """Expected value of a purchase per customer.

        Without a positive mean value of repeat purchases, it is the mean of the frequency band (the
        lowest band for frequency 0).
        """
        x, m = self._known(frequency, value)
        weight = self._weight(x)
        return weight * m + (1 - weight) * self._band_mean(frequency)

    def spread(self, frequency: ArrayLike, value: ArrayLike) -> tuple[Array, Array]:
        """Expected variance of a customer's purchases, and expected square of the customer's mean.

        One entry per customer in each array.
        """
        x, _ = self._known(frequency, value)
        left = self.between * (1 - self._weight(x))
        mean = self.expected_value(frequency, value)
        return np.full(np.shape(mean), self.within), mean**2 + left

    def _known(self, frequency: ArrayLike, value: ArrayLike) -> tuple[Array, Array]:
        x = np.asarray(frequency, dtype=float)
        m = np.nan_to_num(np.asarray(value, dtype=float))
        return np.where(m > 0, x, 0.0), m

    def _weight(self, x: Array) -> Array:
        return x * self.between / np.maximum(x * self.between + self.within, 1e-300)

    def _band_mean(self, frequency: ArrayLike) -> Array:
        band = np.searchsorted(self.highest, np.asarray(frequency, dtype=float))
        return np.asarray(self.means)[np.minimum(band, len(self.means) - 1)]


def _variances(rows: pd.DataFrame) -> tuple[float, float]:
    """Variance within and between customers, both at least 0.

    The variance of the customers' means at frequency x is between + within / x. This straight line
    in 1 / x is fitted by weighted least squares.
    """
    some = rows[rows["customers"] > 1]
    n = some["customers"].to_numpy(dtype=float)
    centred = some["square"].to_numpy() - some["value"].to_numpy() ** 2 / np.maximum(n, 1)
    if n.sum() < 2:
        return 0.0, 0.0
    variance = np.maximum(centred, 0.0) / (n - 1)
    inverse = 1 / some["frequency"].to_numpy(dtype=float)
    weight = n - 1
    mean_x, mean_y = weight @ inverse / weight.sum(), weight @ variance / weight.sum()
    spread = weight @ (inverse - mean_x) ** 2
    slope = weight @ ((inverse - mean_x) * (variance - mean_y)) / spread if spread > 0 else 0.0
    within = min(max(slope, 0.0), mean_y / mean_x)
    return float(within), float(mean_y - within * mean_x)


def correlation(sums: pd.DataFrame) -> float | None:
    """Pearson correlation of frequency and mean value over customers.

    `sums` has the columns of `Credibility.fit`. None where the correlation is undefined: with fewer
    than two customers, or where the frequencies or the values are equal.
    """
    n, x = sums["customers"].to_numpy(dtype=float), sums["frequency"].to_numpy(dtype=float)
    whole = n.sum()
    if whole < 2:
        return None
    mean_x, mean_m = n @ x / whole, sums["value"].sum() / whole
    both = x @ sums["value"].to_numpy() / whole - mean_x * mean_m
    of_x, of_m = n @ x**2 / whole, sums["square"].sum() / whole
    if of_x - mean_x**2 <= CONSTANT * of_x or of_m - mean_m**2 <= CONSTANT * of_m:
        return None
    return float(both / np.sqrt((of_x - mean_x**2) * (of_m - mean_m**2)))
