"""New customers: a rate known for few days is shrunk toward customers of the same age.

    rate = z x own rate + (1 - z) x mean of the class,  z = days known / (days known + K)

Empirical Bayes, after Buhlmann & Straub. The class of a customer is the number of days known and
the number of repeat purchases. Its mean is what such customers went on to spend per day, on earlier
dates. K is the number of days after which the own rate counts as much as the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
# Classes by repeat purchases: 0, 1, and 2 or more.
REPEATS = 3
# A class mean counts as this many customers of the next larger group, so that few do not decide.
PRIOR_CUSTOMERS = 10.0
# Values of K that are tried, in days.
HALF_DAYS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


@dataclass(frozen=True)
class Tenure:
    """Which customers count as new.

    classes: the last day of each class of days known, ascending; after the last one a customer is
    not new. unseen_days: a customer first seen within this many days after the first purchase of
    all may have been a customer before, so the row is not used for fitting.
    """

    classes: tuple[int, ...]
    unseen_days: int

    def usable(self, rows: pd.DataFrame) -> NDArray[np.bool_]:
        """Whether the row is of a new customer whose first purchase was seen.

        `rows` has as_of and T_days, of several dates.
        """
        known = days_known(rows)
        first = pd.to_datetime(rows["as_of"]) - pd.to_timedelta(known, unit="D")
        seen = (first - first.min()).dt.days.to_numpy() >= self.unseen_days
        usable: NDArray[np.bool_] = seen & (known <= self.classes[-1])
        return usable


@dataclass(frozen=True)
class NewCustomers:
    """The fitted class means and K.

    classes: as in Tenure. means: per class of days known, per class of repeats, money or purchases
    per day. half_days: K. customers: rows of the fit.
    """

    classes: tuple[int, ...]
    means: tuple[tuple[float, ...], ...]
    half_days: float
    customers: int

    @classmethod
    def fit(
        cls, tenure: Tenure, rows: pd.DataFrame, *, own: Array, days: Array, came: Array
    ) -> Self | None:
        """Fit on past rows of `Tenure.usable`; None where there is none, or no day to forecast.

        own: rate per day by the model. days: days that the rate applies to, from each row on.
        came: what came in these days.
        """
        used = tenure.usable(rows) & (days > 0)
        if not used.any():
            return None
        known, repeats = days_known(rows)[used], rows["frequency"].to_numpy(dtype=float)[used]
        own, days, came = own[used], days[used], came[used]
        place = _classes(tenure.classes, known)
        means = _means(len(tenure.classes), place, _repeats(repeats), days=days, came=came)
        group = means[place, _repeats(repeats)]
        scale = 1 / np.maximum(days * group + abs(came.mean()), 1e-300)

        def error(half: float) -> float:
            own_weight = known / (known + half)
            rate = own_weight * own + (1 - own_weight) * group
            return float(((came - days * rate) ** 2 * scale).sum())

        best = min(HALF_DAYS, key=error)
        table = tuple(tuple(map(float, row)) for row in means)
        return cls(tenure.classes, table, best, int(used.sum()))

    def shrunk(self, rows: pd.DataFrame, own: Array) -> Array:
        """The rate of each row; `own` itself for a customer who is not new.

        `rows` has frequency and T_days.
        """
        known = days_known(rows)
        is_new = known <= self.classes[-1]
        place = np.minimum(_classes(self.classes, known), len(self.classes) - 1)
        group = np.asarray(self.means)[place, _repeats(rows["frequency"].to_numpy(dtype=float))]
        weight = known / (known + self.half_days)
        return np.where(is_new, weight * own + (1 - weight) * group, own)

    def factor(self, rows: pd.DataFrame, own: Array) -> Array:
        """`shrunk` divided by `own`; 1 where the own rate is 0."""
        rate = self.shrunk(rows, own)
        return np.divide(rate, own, out=np.ones(len(own)), where=own > 1e-9)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The content of dataclasses.asdict, also after JSON."""
        means = tuple(tuple(map(float, row)) for row in content["means"])
        classes = tuple(content["classes"])
        return cls(classes, means, content["half_days"], content["customers"])


def days_known(rows: pd.DataFrame) -> Array:
    """Days from the first purchase to the date of the row, at least 1."""
    known: Array = rows["T_days"].to_numpy(dtype=float) + 1
    return known


def _classes(edges: tuple[int, ...], known: Array) -> Whole:
    return np.searchsorted(edges, known).astype(np.int64)


def _repeats(frequency: Array) -> Whole:
    return np.minimum(frequency, REPEATS - 1).astype(np.int64)


def _means(classes: int, place: Whole, repeats: Whole, *, days: Array, came: Array) -> Array:
    """Mean per day of each class, of shape (classes, REPEATS).

    A class of few customers is drawn toward all customers of its days known, and those toward all
    new customers.
    """
    whole = came.sum() / days.sum()
    weight = PRIOR_CUSTOMERS * days.mean()
    by_age, by_age_days = (np.bincount(place, v, classes) for v in (came, days))
    of_age = (by_age + weight * whole) / (by_age_days + weight)
    cell = place * REPEATS + repeats
    sums, exposed = (
        np.bincount(cell, v, classes * REPEATS).reshape(classes, REPEATS) for v in (came, days)
    )
    means: Array = (sums + weight * of_age[:, None]) / (exposed + weight)
    return means
