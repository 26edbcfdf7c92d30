"""Spend rate: expected revenue or purchase days per day as a customer, from past rates.

    rate = base + sum of weight x past rate,  past rates over windows of days and the whole past

Linear credibility: the best linear forecast of a customer's future rate from past rates. The
weights are at least 0 (non-negative least squares, Lawson & Hanson), so a higher past rate never
lowers the forecast. The base keeps the mean correct. The rate of a new customer is then shrunk
toward customers of the same age, and a customer who is lost has a return rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from models.least_squares import non_negative
from models.new_customers import NewCustomers, Tenure
from models.return_rate import ReturnRate
from models.row_sums import row_sums
from models.survival.rows import Array

What = Literal["value", "days"]


@dataclass(frozen=True)
class SpendRate:
    """Revenue (`value`) or purchase days (`days`) per day as a customer.

    weights: one per window, then one for the whole past. rows: training rows. new, lost: rates of
    new and of lost customers; None: too few of them.
    """

    what: What
    windows: tuple[int, ...]
    base: float
    weights: tuple[float, ...]
    rows: int
    new: NewCustomers | None = None
    lost: ReturnRate | None = None

    @classmethod
    def fit(
        cls, what: What, windows: Sequence[int], rows: pd.DataFrame, *, days: Array, came: ArrayLike
    ) -> Self:
        """Fit on past rows.

        days: expected days as a customer in the period after each row. came: actual revenue or
        purchase days in that period. Weighted least squares in two steps, with a variance
        proportional to the mean.
        """
        past = np.column_stack([np.ones(len(rows)), past_rates(what, windows, rows)])
        design, actual = past * days[:, None], np.asarray(came, dtype=float)
        first = non_negative(design, actual, "spend_rate")
        scale = 1 / np.sqrt(np.maximum(design @ first + abs(actual.mean()), 1e-12))
        weights = non_negative(design * scale[:, None], actual * scale, "spend_rate")
        base, *others = map(float, weights)
        return cls(what, tuple(windows), base, tuple(others), len(rows))

    def with_new(self, tenure: Tenure, rows: pd.DataFrame, *, days: Array, came: ArrayLike) -> Self:
        """The same rate, shrunk for new customers; fitted on the rows of `fit`."""
        own, outcome = self._own(rows), np.asarray(came, dtype=float)
        return replace(self, new=NewCustomers.fit(tenure, rows, own=own, days=days, came=outcome))

    def of(self, rows: pd.DataFrame) -> Array:
        """Expected revenue or purchase days per day as a customer, one entry per row."""
        own = self._own(rows)
        return own if self.new is None else self.new.shrunk(rows, own)

    def after_loss(self, rows: pd.DataFrame) -> Array:
        """The rate per day after a customer is lost, at most the rate as a customer."""
        if self.lost is None:
            return np.zeros(len(rows))
        return np.minimum(self.lost.after_loss(whole_past_rate(self.what, rows)), self.of(rows))

    def of_lost(self, rows: pd.DataFrame) -> Array:
        """The rate per day of customers who are lost; NaN without a return rate."""
        if self.lost is None:
            return np.full(len(rows), np.nan)
        return self.lost.of(rows, whole_past_rate(self.what, rows))

    def _own(self, rows: pd.DataFrame) -> Array:
        past = past_rates(self.what, self.windows, rows)
        return self.base + row_sums(past, self.weights)

    def to_dict(self) -> dict[str, Any]:
        """The rate as plain numbers for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The rate that `to_dict` wrote; a rate of an older model has a spread, and no `new`."""
        lists = {name: tuple(content[name]) for name in ("windows", "weights")}
        new, lost = content.get("new"), content.get("lost")
        parts = {
            "new": NewCustomers.from_dict(new) if new else None,
            "lost": ReturnRate.from_dict(lost) if lost else None,
        }
        kept = {name: content[name] for name in ("what", "base", "rows")}
        return cls(**{**kept, **lists, **parts})


def past_rates(what: What, windows: Sequence[int], rows: pd.DataFrame) -> Array:
    """Past rates per day, of shape (rows, windows + 1): per window, then since the first purchase.

    `rows` has frequency, monetary_value, T_days and past_<what>_<window>. The rate of a customer
    who is known for less than a window is over the known days. Negative sums (returns) count as 0.
    """
    known = rows["T_days"].to_numpy(dtype=float)
    by_window = [
        np.maximum(rows[f"past_{what}_{w}"].to_numpy(dtype=float), 0.0) / np.minimum(w, known + 1)
        for w in windows
    ]
    return np.column_stack([*by_window, whole_past_rate(what, rows)])


def whole_past_rate(what: What, rows: pd.DataFrame) -> Array:
    """The rate per day since the first purchase, without that purchase."""
    known, repeats = (rows[c].to_numpy(dtype=float) for c in ("T_days", "frequency"))
    each = rows["monetary_value"].astype(float).to_numpy() if what == "value" else 1.0
    whole: Array = np.maximum(np.nan_to_num(each * repeats), 0.0) / np.maximum(known, 1.0)
    return whole
