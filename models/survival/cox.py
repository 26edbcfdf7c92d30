"""Cox proportional hazards model, fitted exactly from sums per day. One pass per Newton step.

Partial likelihood with ties by Efron (1977) or Breslow (1974), left truncation, strata and case
weights, as in R's package survival: a weight multiplies a row's contribution to the likelihood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from models.row_sums import row_sums
from models.survival.baseline import Baseline
from models.survival.cox_sums import Cells, RiskSums, ScoreProducts
from models.survival.cox_terms import DayTerms, Ties
from models.survival.curves import EXTREME
from models.survival.kaplan_meier import kaplan_meier
from models.survival.newton import Point, inverse, maximise, standard_errors
from models.survival.proportional_hazards import Schoenfeld
from models.survival.rows import Array, Rows, SurvivalError, Whole
from models.survival.survey import Survey, refuse_unusable, survey

# Lowest ratio of the information on a coefficient to the information at 0. Below it, the
# coefficient has no finite estimate.
LOST_INFORMATION = 1e-6


@dataclass(frozen=True)
class CoxModel:
    """A fitted model, in the units of the covariates.

    covariance: inverse of the information. robust_covariance: sandwich estimator, clustered by
        customer.
    center: means of the covariates. The baselines apply to a customer with these values.
    baselines: one per stratum. pooled: their mean weighted by the number at risk, for strata that
        were not in the fit.
    passes: passes over the rows, not counting the survey.
    residuals: for the test of proportional hazards; not stored with the model.
    """

    names: tuple[str, ...]
    coefficients: Array
    covariance: Array
    robust_covariance: Array
    center: Array
    baselines: dict[str, Baseline]
    pooled: Baseline
    log_likelihood: float
    null_log_likelihood: float
    rows: int
    events: int
    ties: Ties
    passes: int
    residuals: Schoenfeld | None = field(default=None, repr=False)

    kind = "cox"

    @property
    def std_errors(self) -> Array:
        """Model-based standard errors; NaN where the variance is not positive."""
        return standard_errors(self.covariance)

    @property
    def robust_std_errors(self) -> Array:
        """Standard errors that are valid with several rows per customer or a misspecified model.

        NaN where the variance is not positive.
        """
        return standard_errors(self.robust_covariance)

    def log_risk(self, x: ArrayLike) -> Array:
        """(x - center) b per row: the log of the hazard ratio to the baseline."""
        return row_sums(np.asarray(x, dtype=float) - self.center, self.coefficients)

    def conditional_survival(
        self, x: Array, age: Array, days: Whole, *, stratum: Sequence[str] | None = None
    ) -> Array:
        """P(survival beyond age + days), given survival to age, of shape (rows, days)."""
        risk = np.exp(np.clip(self.log_risk(x), -EXTREME, EXTREME))
        names = np.array([""] * len(x) if stratum is None else stratum, dtype=object)
        out = np.empty((len(x), len(days)))
        for name in set(names):
            rows, baseline = np.flatnonzero(names == name), self._baseline(name)
            out[rows] = np.exp(-risk[rows, None] * baseline.gained(age[rows], days))
        return out

    def observed_days(self, age: ArrayLike, stratum: Sequence[str] | None = None) -> Array:
        """Days ahead of each age for which enough customers were at risk in the fit."""
        ages = np.asarray(age, dtype=float)
        names = [""] * len(ages) if stratum is None else stratum
        last = np.array([self._baseline(name).last_day for name in names])
        return np.maximum(last - ages, 0.0)

    def _baseline(self, stratum: str) -> Baseline:
        return self.baselines.get(stratum, self.pooled)

    def to_dict(self) -> dict[str, Any]:
        """The model as plain numbers for JSON: what prediction and gold.lifetime_models need."""
        return {
            "names": list(self.names),
            "coefficients": self.coefficients.tolist(),
            "covariance": self.covariance.tolist(),
            "robust_covariance": self.robust_covariance.tolist(),
            "center": self.center.tolist(),
            "baselines": {name: b.to_dict() for name, b in self.baselines.items()},
            "pooled": self.pooled.to_dict(),
            "log_likelihood": self.log_likelihood,
            "null_log_likelihood": self.null_log_likelihood,
            "rows": self.rows,
            "events": self.events,
            "ties": self.ties,
            "passes": self.passes,
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> CoxModel:
        """The model that `to_dict` wrote, without the residuals."""
        arrays = ("coefficients", "covariance", "robust_covariance", "center")
        given = {**content, **{name: np.array(content[name]) for name in arrays}}
        given["names"] = tuple(content["names"])
        given["baselines"] = {n: Baseline.from_dict(b) for n, b in content["baselines"].items()}
        given["pooled"] = Baseline.from_dict(content["pooled"])
        return cls(**given)


def fit_cox(
    rows: Rows, names: Sequence[str], ties: Ties = "efron", *, surveyed: Survey | None = None
) -> CoxModel:
    """Fit a model on the columns `names` of the rows.

    surveyed: the survey of the rows, if it exists already. Raises SurvivalError where the data
    cannot identify the model; see `refuse_unusable`.
    """
    surveyed = survey(rows) if surveyed is None else surveyed
    refuse_unusable(surveyed, names, "cox")
    cells = Cells.of(surveyed)
    at: dict[str, DayTerms] = {}

    def value_at(beta: Array) -> Point:
        sums = cells.layout.views(rows.total(RiskSums(cells, beta)))
        at["last"] = DayTerms.of(cells, sums, ties)
        return at["last"].point(beta)

    start = value_at(np.zeros(cells.columns))
    _refuse_lost(start, start, names)
    end, passes = maximise(value_at, start, "cox")
    _refuse_lost(end, start, names)
    terms = at["last"]
    covariance = inverse(end, "cox")
    products = rows.total(ScoreProducts(cells, end.theta, terms.expected()))
    robust = covariance @ products.reshape(covariance.shape) @ covariance
    units = np.outer(cells.scale, cells.scale)
    baselines, pooled = terms.baselines(surveyed)
    return CoxModel(
        names=tuple(names),
        coefficients=end.theta / cells.scale,
        covariance=covariance / units,
        robust_covariance=robust / units,
        center=cells.mean,
        baselines=baselines,
        pooled=pooled,
        log_likelihood=end.log_likelihood,
        null_log_likelihood=start.log_likelihood,
        rows=surveyed.count,
        events=int(cells.count.sum()),
        ties=ties,
        passes=passes + 2,
        residuals=Schoenfeld(
            day=cells.day,
            events=cells.weight,
            total=terms.schoenfeld * cells.scale,
            share_gone=1.0 - kaplan_meier(surveyed).before(cells.day),
        ),
    )


def _refuse_lost(here: Point, start: Point, names: Sequence[str]) -> None:
    """Raise SurvivalError where a covariate explains nothing, or predicts the events perfectly."""
    left = np.diag(here.information) / np.maximum(np.diag(start.information), 1e-300)
    nothing = np.diag(start.information) < 1e-12
    lost = [
        n
        for n, share, none in zip(names, left, nothing, strict=True)
        if none or share < LOST_INFORMATION
    ]
    if lost:
        raise SurvivalError(
            f"{', '.join(lost)}: within the risk sets the covariate is constant, or separates the "
            "rows with an event from the others, so its coefficient has no finite estimate. Leave "
            "it out, or use a coarser grouping of its values."
        )
