"""A cumulative hazard by day of age, and what stands before the first and beyond the last day on
which enough were observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from models.survival.rows import Array, Whole

# Beyond what was observed the hazard stays at its mean over this last share of the observed days;
# at ages before, at its mean over this first share.
TAIL_SHARE = 0.25
# Days on which fewer are at risk say too little: one of three who leaves is a hazard of a third.
FEWEST_AT_RISK = 10.0


@dataclass(frozen=True)
class Baseline:
    """cumulative: hazard up to and with each day, day 0 first; daily: beyond the last of them."""

    cumulative: Array
    daily: float

    @classmethod
    def of(cls, hazard: Array, at_risk: Array) -> Self:
        """From the hazard's step and the weight at risk, by day.

        The curve is that of the days from the first to the last on which FEWEST_AT_RISK were at
        risk, or anyone at all where there never were so many.
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
        """Last day that rests on observation."""
        return len(self.cumulative) - 1

    def at(self, day: Whole) -> Array:
        """Cumulative hazard at each day; below 0 none, beyond the last day in a straight line."""
        inside = self.cumulative[np.clip(day, 0, self.last_day)]
        beyond = np.maximum(day - self.last_day, 0) * self.daily
        return np.where(day < 0, 0.0, inside + beyond)

    def gained(self, age: Array, days: Whole) -> Array:
        """(rows, days): hazard between age and age + each of days."""
        whole = np.asarray(age).astype(np.int64)
        return self.at(whole[:, None] + days[None, :]) - self.at(whole)[:, None]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return {"cumulative": self.cumulative.tolist(), "daily": self.daily}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """The baseline that `to_dict` wrote."""
        return cls(np.array(content["cumulative"]), content["daily"])
