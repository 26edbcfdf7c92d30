"""Test of proportional hazards: Schoenfeld residuals against time.

Grambsch & Therneau 1994, with the variance of the whole fit instead of the variance per day, as in
lifelines and in R's cox.zph before version 3. If the test rejects, stratify by the covariate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import chi2

from models.survival.rows import Array, SurvivalError, Whole

Scale = Literal["km", "days", "log"]
WHOLE_MODEL = "all covariates"


@dataclass(frozen=True)
class Schoenfeld:
    """Residuals, one entry per (stratum, event day).

    events: weight of the events. total: sum over the events of x minus the mean of the risk set.
    share_gone: share that had the event before the day (Kaplan-Meier).
    """

    day: Whole
    events: Array
    total: Array
    share_gone: Array


@dataclass(frozen=True)
class Proportionality:
    """One test: chi-squared with `degrees` degrees of freedom.

    A small p_value means that the hazard ratio changes with age. NaN: the test is not possible,
    because the variance of the coefficient or the spread of the event times is not positive.
    """

    name: str
    chi_squared: float
    degrees: int
    p_value: float


def proportionality(
    residuals: Schoenfeld | None, covariance: Array, names: Sequence[str], *, scale: Scale = "km"
) -> list[Proportionality]:
    """One test per covariate, then the test of all covariates together, against age.

    scale: km uses the share that had the event before, days the age itself, log its logarithm.
    Raises SurvivalError without residuals or with events on fewer than two days.
    """
    if residuals is None:
        raise SurvivalError(
            "proportionality: a stored model has no residuals. Test the model that the fit "
            "returned."
        )
    if len(np.unique(residuals.day)) < 2:
        raise SurvivalError(
            f"proportionality: needs events on at least two days, got "
            f"{len(np.unique(residuals.day))}. Observe the customers for longer."
        )
    events = residuals.events.sum()
    time = _time(residuals, scale)
    centred = time - (residuals.events @ time) / events
    slope = residuals.total.T @ centred
    spread = float(residuals.events @ centred**2)
    scaled = covariance @ slope
    variance = np.diag(covariance) * spread
    single = events * scaled**2 / np.where(variance > 0, variance, np.nan)
    together = events * float(slope @ scaled) / (spread if spread > 0 else np.nan)
    tests = [(name, float(value), 1) for name, value in zip(names, single, strict=True)]
    tests.append((WHOLE_MODEL, together, len(names)))
    return [Proportionality(n, value, k, float(chi2.sf(value, k))) for n, value, k in tests]


def _time(residuals: Schoenfeld, scale: Scale) -> Array:
    if scale == "km":
        return residuals.share_gone
    days = residuals.day.astype(float)
    return days if scale == "days" else np.log(np.maximum(days, 0.5))
