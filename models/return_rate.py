"""Return rate: what customers who were lost went on to spend per day.

A customer who was silent for the window counts as lost, but some come back. Comparable customers
are those of the same class of days of silence, on past dates. The rate is the class's own level
plus a weight times the customer's rate before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.least_squares import non_negative

Array = NDArray[np.float64]
# With fewer lost customers there is no return rate, and a class is joined with the one before.
FEWEST_LOST = 30


@dataclass(frozen=True)
class ReturnRate:
    """Revenue or purchases per day of lost customers.

    lost_from: days of silence from which a customer counts as lost. last_days: the last day of
    silence of each class except the last class. levels: per day, one per class. weight: of the
    customer's rate since the first purchase. customers: rows of the fit.
    """

    lost_from: int
    last_days: tuple[int, ...]
    levels: tuple[float, ...]
    weight: float
    customers: int

    @classmethod
    def fit(
        cls,
        rows: pd.DataFrame,
        before: Array,
        *,
        lost_from: int,
        classes: tuple[int, ...],
        horizon: int,
        came: Array,
    ) -> Self | None:
        """Fit on past rows of lost customers; None where there are fewer than FEWEST_LOST.

        before: the rate of each row since the first purchase. came: what came in the `horizon`
        days after each row. The level of a class is at most that of the class before: a customer
        who is silent for longer is not worth more.
        """
        if len(rows) < FEWEST_LOST:
            return None
        silent = silent_days(rows)
        kept: list[int] = []
        for last in classes:
            begin = kept[-1] if kept else 0
            inside, after = (silent > begin) & (silent <= last), silent > last
            if inside.sum() >= FEWEST_LOST and after.sum() >= FEWEST_LOST:
                kept.append(last)
        place = np.searchsorted(kept, silent)
        is_in = place[:, None] == np.arange(len(kept) + 1)
        design = np.column_stack([is_in, before]) * float(horizon)
        *levels, weight = non_negative(design, came, "return_rate")
        falling = np.minimum.accumulate(levels)
        return cls(lost_from, tuple(kept), tuple(map(float, falling)), float(weight), len(rows))

    def of(self, rows: pd.DataFrame, before: Array) -> Array:
        """Expected revenue or purchases per day, by the days of silence of each row."""
        level = np.asarray(self.levels)[np.searchsorted(self.last_days, silent_days(rows))]
        return level + self.weight * before

    def after_loss(self, before: Array) -> Array:
        """The rate of a customer who is going to be lost: that of the first class."""
        return self.levels[0] + self.weight * before

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The content of dataclasses.asdict, also after JSON."""
        lists = {n: tuple(content[n]) for n in ("last_days", "levels")}
        return cls(**{**content, **lists})


def silent_days(rows: pd.DataFrame) -> Array:
    """Days since the last purchase, at least 1. `rows` has T_days and recency_days."""
    silent: Array = (rows["T_days"] - rows["recency_days"]).to_numpy(dtype=float) + 1
    return silent
