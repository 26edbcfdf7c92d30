"""Spend rate: expected revenue or purchase days per day as a customer, from past rates.

    rate = base + sum of weight x past rate,  past rates over windows of days and the whole past

Linear credibility: the best linear forecast of a customer's future rate from past rates. The
weights are at least 0 (non-negative least squares, Lawson & Hanson), so a higher past rate never
lowers the forecast. The base keeps the mean correct.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import nnls

from models.row_sums import row_sums
from models.survival.rows import Array, SurvivalError

What = Literal["value", "days"]


@dataclass(frozen=True)
class SpendRate:
    """Revenue (`value`) or purchase days (`days`) per day as a customer.

    weights: one per window, then one for the whole past. spread: the variance of the outcome is
    spread[0] x mean^2 + spread[1] x mean. The relative size of the first part does not shrink with
    the horizon. rows: training rows.
    """

    what: What
    windows: tuple[int, ...]
    base: float
    weights: tuple[float, ...]
    spread: tuple[float, float]
    rows: int

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
        first = _nnls(design, actual)
        scale = 1 / np.sqrt(np.maximum(design @ first + abs(actual.mean()), 1e-12))
        weights = _nnls(design * scale[:, None], actual * scale)
        mean = design @ weights
        base, *others = map(float, weights)
        spread = _spread(mean, actual)
        return cls(what, tuple(windows), base, tuple(others), spread, len(rows))

    def with_spread(self, rows: pd.DataFrame, days: Array, came: ArrayLike) -> Self:
        """The same rate, with the variance estimated on other rows.

        Use rows of a longer period: the error of a customer's rate accumulates over it.
        """
        return replace(self, spread=_spread(self.of(rows) * days, np.asarray(came, dtype=float)))

    def of(self, rows: pd.DataFrame) -> Array:
        """Expected revenue or purchase days per day, one entry per row."""
        past = past_rates(self.what, self.windows, rows)
        return self.base + row_sums(past, self.weights)

    def to_dict(self) -> dict[str, Any]:
        """The rate as plain numbers for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The rate that `to_dict` wrote."""
        lists = ("windows", "weights", "spread")
        return cls(**{**content, **{name: tuple(content[name]) for name in lists}})


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
    repeats = rows["frequency"].to_numpy(dtype=float)
    each = rows["monetary_value"].astype(float).to_numpy() if what == "value" else 1.0
    whole = np.maximum(np.nan_to_num(each * repeats), 0.0) / np.maximum(known, 1.0)
    return np.column_stack([*by_window, whole])


def _nnls(design: Array, actual: Array) -> Array:
    """Non-negative least squares. SurvivalError where the search does not end.

    Columns are divided by their length: money of 10^7 beside a rate of 1 needs too many steps.
    """
    length = np.sqrt((design**2).sum(axis=0))
    length = np.where(length > 0, length, 1.0)
    try:
        weights, _ = nnls(design / length, actual)
    except RuntimeError:
        raise SurvivalError(
            f"spend_rate: non-negative least squares did not end on {len(design):,} rows. Check "
            "for single customers with extreme amounts."
        ) from None
    return np.asarray(weights / length, dtype=np.float64)


def _spread(mean: Array, actual: Array) -> tuple[float, float]:
    """The two parts of the variance, from squared errors weighted down for large means."""
    parts = np.column_stack([mean**2, mean])
    scale = 1 / np.maximum((mean + mean.mean()) ** 2, 1e-12)
    shares = _nnls(parts * scale[:, None], (actual - mean) ** 2 * scale)
    return float(shares[0]), float(shares[1])
