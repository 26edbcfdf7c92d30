"""What a customer brings a day while being one: past rates, weighted, and shrunk to the mean.

    rate = base + sum of weight x past rate,  past rates over windows of days and the whole past

Linear credibility: the best linear forecast of a customer's next days from the past ones. Weights
are at or above 0 (Lawson & Hanson's NNLS), so that nobody is expected to bring less for having
brought more; the base keeps the mean right.
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
from models.survival.rows import Array

What = Literal["value", "days"]


@dataclass(frozen=True)
class SpendRate:
    """Money (`value`) or purchase days (`days`) a day of life.

    weights: of each window, then of the whole past. spread: the variance of what comes is
    spread[0] x mean^2 + spread[1] x mean; the first part stays whatever the horizon.
    """

    what: What
    windows: tuple[int, ...]
    base: float
    weights: tuple[float, ...]
    spread: tuple[float, float]
    rows: int

    @classmethod
    def fit(
        cls, what: What, windows: Sequence[int], rows: pd.DataFrame, days: Array, came: ArrayLike
    ) -> Self:
        """From past rows: `days` expected to be lived in the period after, and what came in it.

        Least squares with a variance in proportion to the mean, in two steps.
        """
        past = np.column_stack([np.ones(len(rows)), past_rates(what, windows, rows)])
        design, actual = past * days[:, None], np.asarray(came, dtype=float)
        first, _ = nnls(design, actual)
        scale = 1 / np.sqrt(np.maximum(design @ first + abs(actual.mean()), 1e-12))
        weights, _ = nnls(design * scale[:, None], actual * scale)
        mean = design @ weights
        base, *others = map(float, weights)
        found = _spread(mean, actual)
        return cls(what, tuple(windows), base, tuple(others), found, len(rows))

    def with_spread(self, rows: pd.DataFrame, days: Array, came: ArrayLike) -> Self:
        """The same rate with the variance of other rows: of a longer period, in which what a rate
        misses of a customer adds up."""
        return replace(self, spread=_spread(self.of(rows) * days, np.asarray(came, dtype=float)))

    def of(self, rows: pd.DataFrame) -> Array:
        """The rate of each row."""
        past = past_rates(self.what, self.windows, rows)
        return self.base + row_sums(past, self.weights)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The rate that `to_dict` wrote."""
        lists = ("windows", "weights", "spread")
        return cls(**{**content, **{name: tuple(content[name]) for name in lists}})


def past_rates(what: What, windows: Sequence[int], rows: pd.DataFrame) -> Array:
    """(rows, windows + 1): what came a day in each window before, and since the first purchase.

    `rows` has frequency, monetary_value, T_days and past_<what>_<window>. Who is known for less
    than a window is measured over the days known; returns count no less than nothing.
    """
    known = rows["T_days"].to_numpy(dtype=float)
    found = [
        np.maximum(rows[f"past_{what}_{w}"].to_numpy(dtype=float), 0.0) / np.minimum(w, known + 1)
        for w in windows
    ]
    repeats = rows["frequency"].to_numpy(dtype=float)
    each = rows["monetary_value"].astype(float).to_numpy() if what == "value" else 1.0
    whole = np.maximum(np.nan_to_num(each * repeats), 0.0) / np.maximum(known, 1.0)
    return np.column_stack([*found, whole])


def _spread(mean: Array, actual: Array) -> tuple[float, float]:
    """The two parts of the variance, from squared errors; large means don't rule."""
    parts = np.column_stack([mean**2, mean])
    scale = 1 / np.maximum((mean + mean.mean()) ** 2, 1e-12)
    found, _ = nnls(parts * scale[:, None], (actual - mean) ** 2 * scale)
    return float(found[0]), float(found[1])
