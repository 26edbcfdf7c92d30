"""Baseline cumulative hazard by day of age, extrapolated where too few customers were observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from models.survival.rows import Array, Whole

# After the observed days, the hazard is constant: its mean over this last share of the observed
# days. Before them, it is the mean over this first share.
TAIL_SHARE = 0.25
# Days with fewer at risk are not used: one customer of three who leaves would be a hazard of 1/3.
FEWEST_AT_RISK = 10.0


@dataclass(frozen=True)
class Baseline:
    """A cumulative hazard by day of age.

    cumulative: hazard up to and including each day, from day 0. daily: hazard per day after the
    last of them.
    """

    cumulative: Array
    daily: float

    @classmethod
    def of(cls, hazard: Array, at_risk: Array) -> Self:
        """The baseline from the hazard of each day and the weight at risk on that day.

        It uses the days from the first to the last with at least FEWEST_AT_RISK at risk. Where no
        day has that many, it uses the days with anyone at risk.
        """
        fewest = FEWEST_AT_RISK if at_risk.max() >= FEWEST_AT_RISK else 1e-9
        enough = np.flatnonzero(at_risk >= fewest)
        first, last = int(enough[0]), int(enough[-1])
        days = int(np.ceil((last - first + 1) * TAIL_SHARE))
        kept = hazard[: last + 1].copy()
        kept[:first] = kept[first : first + days].mean()
        return cls(np.cumsum(kept), float(kept[last + 1 - days :].mean()))

    @property
    def last_day(self) -> int:
        """Last observed day. Later days are extrapolated."""
        return len(self.cumulative) - 1

    def at(self, day: Whole) -> Array:
        """Cumulative hazard at each day: 0 before day 0, and linear after the last day."""
        inside = self.cumulative[np.clip(day, 0, self.last_day)]
        beyond = np.maximum(day - self.last_day, 0) * self.daily
        return np.where(day < 0, 0.0, inside + beyond)

    def gained(self, age: Array, days: Whole) -> Array:
        """Hazard between age and age + days, as an array of shape (rows, days)."""
        whole = np.asarray(age).astype(np.int64)
        return self.at(whole[:, None] + days[None, :]) - self.at(whole)[:, None]

    def to_dict(self) -> dict[str, Any]:
        """The baseline as plain numbers for JSON."""
        return {"cumulative": self.cumulative.tolist(), "daily": self.daily}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """The baseline that `to_dict` wrote."""
        return cls(np.array(content["cumulative"]), content["daily"])
