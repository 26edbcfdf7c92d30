"""Input of the models: distinct rows with their number of customers. Times are in days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from contracts.wording import plural, verb

Array = NDArray[np.float64]
Unit = Literal["days", "weeks"]
DAYS_IN: dict[str, float] = {"days": 1.0, "weeks": 7.0}


class LifetimeDataError(ValueError):
    """The rows contain values that are not possible."""


class NotFittableError(ValueError):
    """The rows are valid, but too few or too uniform to fit a model; the message says why."""


@dataclass(frozen=True)
class PurchaseRows:
    """One row per distinct (frequency, recency, T). weight: the number of customers.

    frequency: purchase days after the first. recency: days from the first to the last purchase day.
    T: days from the first purchase day to the end of observation; 0 for a customer whose first
    purchase was on the last day.
    """

    frequency: Array
    recency: Array
    T: Array
    weight: Array

    @classmethod
    def of(
        cls,
        frequency: ArrayLike,
        recency: ArrayLike,
        T: ArrayLike,
        weight: ArrayLike | None = None,
        unit: Unit = "days",
    ) -> PurchaseRows:
        """Check the rows, convert times to days, and merge equal rows. Raises LifetimeDataError.

        >>> PurchaseRows.of([0, 2, 0], [0, 3, 0], [5, 5, 5], unit="weeks").weight.tolist()
        [2.0, 1.0]
        """
        count = np.ones(np.shape(frequency)) if weight is None else weight
        columns = {"frequency": frequency, "recency": recency, "T": T, "weight": count}
        rows = pd.DataFrame({n: np.asarray(v, dtype=float) for n, v in columns.items()})
        _check(rows)
        first, place = _distinct(rows)
        days = DAYS_IN[unit]
        return cls(
            rows["frequency"].to_numpy()[first],
            rows["recency"].to_numpy()[first] * days,
            rows["T"].to_numpy()[first] * days,
            np.bincount(place, rows["weight"], len(first)).astype(float),
        )

    def __len__(self) -> int:
        return len(self.frequency)

    @property
    def customers(self) -> float:
        return float(self.weight.sum())

    @property
    def purchases(self) -> float:
        """Repeat purchases of all customers."""
        return float(self.weight @ self.frequency)

    def thinned(self, most: int) -> PurchaseRows:
        """At most `most` rows, evenly spaced. Use them to choose a starting point, not to fit."""
        if len(self) <= most:
            return self
        chosen = np.linspace(0, len(self) - 1, most).astype(int)
        parts = (self.frequency, self.recency, self.T, self.weight)
        return PurchaseRows(*(part[chosen] for part in parts))


def _distinct(rows: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Position of the first row of each distinct kind, sorted; and the kind of each row."""
    codes = np.zeros(len(rows), dtype=np.int64)
    for name in ("frequency", "recency", "T"):
        column = rows[name].to_numpy()
        whole = column.astype(np.int64)
        if not (whole == column).all():
            whole = np.unique(column, return_inverse=True)[1]
        codes = codes * (whole.max(initial=0) + 1) + whole
    _, first, place = np.unique(codes, return_index=True, return_inverse=True)
    return first, place


def _check(rows: pd.DataFrame) -> None:
    frequency, recency, T = rows["frequency"], rows["recency"], rows["T"]
    faults = {
        "a frequency, recency, T or weight that is missing or infinite": ~np.isfinite(rows).all(
            axis=1
        ),
        "a negative or fractional frequency": (frequency < 0) | (frequency % 1 != 0),
        "a recency below 0": recency < 0,
        "a recency above T": recency > T,
        "repeat purchases but a recency of 0": (frequency > 0) & (recency == 0),
        "a recency above 0 but no repeat purchase": (frequency == 0) & (recency > 0),
        "a weight that is not above 0": rows["weight"] <= 0,
    }
    problems = [
        f"{plural(int(bad.sum()), 'row')} {verb(int(bad.sum()), 'has', 'have')} {what}"
        for what, bad in faults.items()
        if bad.any()
    ]
    if problems:
        raise LifetimeDataError(
            f"{'; '.join(problems)}. Frequency counts purchase days after the first one; recency "
            "and T count days from the first one. Remove these rows, or fix the query that made "
            "them."
        )


def check_fittable(customers: float, repeaters: float, fewest: int) -> None:
    """Raise NotFittableError where the customers are too few for a fit.

    repeaters: customers with a repeat purchase. fewest: lifetime.fewest_customers.
    """
    if repeaters == 0:
        raise NotFittableError(
            f"none of {plural(customers, 'customer')} bought again: neither a purchase rate nor a "
            "dropout rate can be estimated."
        )
    if customers < fewest or repeaters < fewest / 2:
        raise NotFittableError(
            f"{plural(customers, 'customer')}, {repeaters:,.0f} of them with a repeat purchase: "
            f"fewer than lifetime.fewest_customers = {fewest}, half of them with a repeat purchase."
        )
