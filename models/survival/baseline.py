"""A cumulative hazard by day of age, and what stands beyond the last observed day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from models.survival.rows import Array, Whole

# Beyond what was observed the hazard stays at its mean over this last share of the observed days.
TAIL_SHARE = 0.25
# Days on which fewer are at risk say too little to be continued.
FEWEST_AT_RISK = 10.0


@dataclass(frozen=True)
class Baseline:
    """cumulative: hazard up to and with each day, day 0 first; daily: beyond the last of them.

    from_day: first day on which enough were at risk; before it the curve rests on few.
    """

    cumulative: Array
    daily: float

    @classmethod
    def of(cls, hazard: Array, at_risk: Array) -> Self:
        """From the hazard's step and the weight at risk, by day.

        The curve ends with the last day on which FEWEST_AT_RISK were at risk; single survivors
        make steps of a tenth and more. Where there never were so many, with the last day of all.
        """
        enough = np.flatnonzero(at_risk >= FEWEST_AT_RISK)
        last = int(enough[-1]) if len(enough) else len(hazard) - 1
        began = int(np.flatnonzero(at_risk > 0)[0]) if (at_risk > 0).any() else 0
        cumulative = np.cumsum(hazard)
        days = max(1, int(np.ceil((last - began + 1) * TAIL_SHARE)))
        before = cumulative[last - days] if last >= days else 0.0
        return cls(cumulative[: last + 1], float((cumulative[last] - before) / days))

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
