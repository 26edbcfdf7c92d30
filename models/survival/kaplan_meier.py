"""Kaplan-Meier curve from weighted counts per day, with left truncation.

Kaplan & Meier 1958, "Nonparametric estimation from incomplete observations".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from models.survival.rows import Array, SurvivalError, Whole
from models.survival.survey import Survey


@dataclass(frozen=True)
class KaplanMeier:
    """A survival curve, with one entry per day with an event.

    survival: share that survives beyond the day. at_risk, events: weights on that day.
    low, high: 95 % interval on the scale of log(-log S), with Greenwood's variance; both are 1
        before the first event and 0 where nobody is left.
    """

    days: Whole
    at_risk: Array
    events: Array
    survival: Array
    low: Array
    high: Array

    @classmethod
    def of_counts(
        cls, entries: Array, exits: Array, events: Array, *, level: float = 0.95
    ) -> KaplanMeier:
        """The curve from weights per day; day d is at position d + 1.

        entries: weight by start day. exits: weight by stop day. events: weight by stop day, only
        rows with an event. A row is at risk on day d if it entered before d and did not leave
        before d.
        """
        at_risk = weight_at_risk(entries, exits)
        # A rounding error of the summed weights may make n smaller than d.
        position = np.flatnonzero(events > 0)
        days, n, d = position - 1, at_risk[position], events[position]
        n = np.where(n < d, d, n).astype(np.float64)
        survival = np.cumprod(1.0 - d / n).astype(np.float64)
        low, high = _interval(survival, d, n, level)
        return cls(days, n, d, survival, low, high)

    def at(self, days: ArrayLike) -> Array:
        """Share that survives beyond each day. It is constant after the last event."""
        place = np.searchsorted(self.days, np.asarray(days), side="right")
        return np.concatenate([[1.0], self.survival])[place]

    def before(self, days: ArrayLike) -> Array:
        """Share that survives up to each day: the limit from the left."""
        place = np.searchsorted(self.days, np.asarray(days), side="left")
        return np.concatenate([[1.0], self.survival])[place]

    @property
    def median(self) -> int | None:
        """First day on which at most half are left; None if more than half never leave."""
        half = np.flatnonzero(self.survival <= 0.5)
        return int(self.days[half[0]]) if len(half) else None


def weight_at_risk(entries: Array, exits: Array) -> Array:
    """Weight per day that entered before the day and did not leave before it.

    Days are on the last axis.
    """
    inside = np.cumsum(entries - exits, axis=-1)
    return np.concatenate([np.zeros_like(inside[..., :1]), inside[..., :-1]], axis=-1)


def _interval(survival: Array, d: Array, n: Array, level: float) -> tuple[Array, Array]:
    """Exponential Greenwood (Kalbfleisch & Prentice 1980, section 1.4)."""
    z = float(norm.ppf(0.5 + level / 2))
    # log S is 0 before the first event, and -inf where nobody is left: `is_inside` excludes both.
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(np.where(n > d, d / (n * (n - d)), np.inf))
        half = z * np.sqrt(variance) / np.log(survival)
        low, high = survival ** np.exp(-half), survival ** np.exp(half)
    is_inside = (survival > 0) & (survival < 1)
    return np.where(is_inside, low, survival), np.where(is_inside, high, survival)


def kaplan_meier(survey: Survey, stratum: str | None = None) -> KaplanMeier:
    """The curve of one stratum, or of all rows. Raises SurvivalError for an unknown stratum."""
    chosen: NDArray[np.bool_] = np.ones(len(survey.strata), dtype=bool)
    if stratum is not None:
        if stratum not in survey.strata:
            raise SurvivalError(
                f"stratum: must be one of {', '.join(survey.strata)}, got {stratum!r}."
            )
        chosen = np.array([name == stratum for name in survey.strata])
    tables = (survey.entries, survey.exits, survey.events)
    entries, exits, events = (table[chosen].sum(axis=0) for table in tables)
    return KaplanMeier.of_counts(entries, exits, events)
