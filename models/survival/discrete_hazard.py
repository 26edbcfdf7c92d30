"""Discrete-time hazard model: the chance to leave in each period, from boosted trees.

With one row per customer and period (transforms.survival_rows.person_periods), survival becomes a
classification problem (Singer & Willett 1993). There is no assumption on the shape of the hazard.
Time-varying covariates need no extra code: each landmark has the features of its own date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost
from numpy.typing import ArrayLike
from scipy.special import expit

from contracts.wording import plural
from models.survival.rows import Array, SurvivalError, Whole
from models.tree_ensemble import TreeEnsemble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

    from models.learners import Learner

# Columns of the matrix after the covariates: age in days at the start of the period, its number.
TIME_COLUMNS = ("period_age_days", "period")
# Bounds of a hazard: 0 would mean that nobody ever leaves, 1 that all leave on the first day.
LOWEST, HIGHEST = 1e-9, 1.0 - 1e-9


@dataclass(frozen=True, eq=False)
class HazardModel:
    """Trees for the log-odds of leaving within a period.

    period_days: length of a period. periods: number of periods after a landmark in the training
    rows; later periods have the hazard of the last of them. rows: training rows. events: training
    rows with an event.
    """

    names: tuple[str, ...]
    ensemble: TreeEnsemble
    period_days: int
    periods: int
    rows: int
    events: int

    kind = "discrete_hazard"

    def hazards(self, x: Array, age: Array) -> Array:
        """P(leaving within the period), given alive at its start, of shape (rows, periods)."""
        x, age = np.asarray(x, dtype=float), np.asarray(age, dtype=float)
        out = np.empty((len(x), self.periods))
        for period in range(self.periods):
            time = [age + period * self.period_days, np.full(len(x), float(period))]
            matrix = np.column_stack([x, *time]).astype(np.float32)
            out[:, period] = expit(self.ensemble.predict(matrix))
        return np.clip(out, LOWEST, HIGHEST)

    def log_risk(self, x: Array, age: Array) -> Array:
        """Log of the mean hazard over the periods, per row. Higher means an earlier event."""
        return np.log(-np.log1p(-self.hazards(x, age)).mean(axis=1))

    def conditional_survival(
        self, x: Array, age: Array, days: Whole, *, stratum: Sequence[str] | None = None
    ) -> Array:
        """P(survival beyond age + days), given survival to age, of shape (rows, days).

        The hazard is constant within a period. `stratum` is not used.
        """
        kept = np.log1p(-self.hazards(x, age))
        whole = np.column_stack([np.zeros(len(kept)), np.cumsum(kept, axis=1)])
        period, inside = np.divmod(np.asarray(days), self.period_days)
        last = self.periods - 1
        beyond = np.maximum(period - last, 0)
        period = np.minimum(period, last)
        part = beyond + inside / self.period_days
        return np.exp(whole[:, period] + kept[:, period] * part)

    def observed_days(self, age: ArrayLike, stratum: Sequence[str] | None = None) -> Array:
        """Days ahead that are covered by the periods of the training rows."""
        return np.full(len(np.asarray(age)), float(self.periods * self.period_days))

    def to_dict(self) -> dict[str, Any]:
        """The model as plain numbers for JSON."""
        return {**vars(self), "names": list(self.names), "ensemble": self.ensemble.to_dict()}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> HazardModel:
        """The model that `to_dict` wrote."""
        ensemble = TreeEnsemble.from_dict(content["ensemble"])
        return cls(**{**content, "names": tuple(content["names"]), "ensemble": ensemble})


def fit_hazard(
    frame: DataFrame, names: Sequence[str], learner: Learner, *, period_days: int
) -> HazardModel:
    """Fit on the person-period rows of `person_rows`: columns x0, x1, ..., one per name.

    Raises SurvivalError where no row has an event, or all rows have one.
    """
    # One row per period: at most 36 months.
    counts = {
        row["period"]: (row["count(1)"], row["sum(churned)"])
        for row in frame.groupBy("period").agg({"churned": "sum", "*": "count"}).collect()
    }
    rows = sum(count for count, _ in counts.values())
    events = int(sum(happened for _, happened in counts.values()))
    if events in (0, rows):
        raise _one_kind(events, rows, period_days)
    columns = [*(f"x{k}" for k in range(len(names))), *TIME_COLUMNS]
    ensemble = learner.fit(frame, columns, "churned")
    assert isinstance(ensemble, TreeEnsemble)
    return HazardModel(tuple(names), ensemble, period_days, 1 + max(counts), rows, events)


def fit_hazard_in_memory(
    x: Array,
    spells: tuple[Whole, Whole, Whole, Whole],
    names: Sequence[str],
    *,
    parameters: Mapping[str, Any],
    seed: int,
    period_days: int,
    most_periods: int,
) -> HazardModel:
    """Like `fit_hazard`, for rows in this process. Spark stages take seconds even for few rows.

    spells: age at entry, days lived, event (0 or 1) and days followed, one entry per row of x.
    Raises SurvivalError where no period has an event, or all periods have one.
    """

    entry, lived, event, followed = spells
    row, period, churned = periods_lived(
        lived, event, followed, period_days=period_days, most_periods=most_periods
    )
    rows, events = len(row), int(churned.sum())
    if events in (0, rows):
        raise _one_kind(events, rows, period_days)
    age = entry[row] + period * period_days
    matrix = np.column_stack([x[row], age, period]).astype(np.float32)
    settings = {k: v for k, v in parameters.items() if k != "n_estimators"}
    # One thread: 100,000 rows gain little from a second one, which would busy-wait for the first.
    fixed = {"objective": "binary:logistic", "tree_method": "hist", "seed": seed, "nthread": 1}
    booster = xgboost.train(
        {**settings, **fixed},
        xgboost.DMatrix(matrix, churned.astype(np.float32), nthread=1),
        int(parameters["n_estimators"]),
    )
    ensemble = TreeEnsemble.from_xgboost(booster)
    return HazardModel(tuple(names), ensemble, period_days, 1 + int(period.max()), rows, events)


def periods_lived(
    lived: Whole, event: Whole, followed: Whole, *, period_days: int, most_periods: int
) -> tuple[Whole, Whole, Whole]:
    """Row number, period and event (0 or 1): transforms.survival_rows.person_periods in memory.

    One entry per row and period that the customer started alive and that was observed completely.
    """
    begins = np.arange(most_periods) * period_days
    over = begins + period_days
    begun = (over[None, :] <= followed[:, None]) & (begins[None, :] < lived[:, None])
    row, period = np.nonzero(begun)
    churned = (event[row] == 1) & (lived[row] <= over[period])
    return row, period, churned.astype(np.int64)


def _one_kind(events: int, rows: int, period_days: int) -> SurvivalError:
    return SurvivalError(
        f"discrete_hazard: needs periods with and without an event, got {plural(events, 'event')} "
        f"in {plural(rows, 'period')} of {plural(period_days, 'day')}. Use another period length "
        "or an earlier landmark."
    )
