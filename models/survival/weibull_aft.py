"""Weibull accelerated failure time (AFT) model with left truncation: Newton steps on sums.

AFTSurvivalRegression of pyspark.ml supports neither left truncation nor standard errors. This fit
takes one pass over the rows per step, with (columns + 2)^2 sums.

    H(t | x) = (t / scale(x))^shape,  log scale(x) = intercept + x b
    log-likelihood = sum w [event log h(stop) - H(stop) + H(start)]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from models.row_sums import row_sums
from models.survival.curves import EXTREME
from models.survival.newton import Point, inverse, maximise, standard_errors
from models.survival.rows import Array, Block, Layout, Rows, SurvivalError, Whole, cluster_sums
from models.survival.survey import Survey, refuse_unusable, survey

# Log of the largest power of an age that predictions use: times e^EXTREME it is still finite.
LARGEST_LOG = 300.0
ARRAYS = ("coefficients", "covariance", "robust_covariance")


@dataclass(frozen=True)
class WeibullModel:
    """A fitted model. The coefficients act on the log of time, in the units of the covariates.

    covariance, robust_covariance: of the coefficients, then intercept, then log_shape; the robust
        one is clustered by customer.
    last_day: the largest stop. passes: passes over the rows, not counting the survey.
    """

    names: tuple[str, ...]
    coefficients: Array
    intercept: float
    log_shape: float
    covariance: Array
    robust_covariance: Array
    log_likelihood: float
    rows: int
    events: int
    last_day: int
    passes: int

    kind = "weibull_aft"

    @property
    def parameters(self) -> dict[str, float]:
        """Estimates by name, in the order of the covariances."""
        values = [*self.coefficients.tolist(), self.intercept, self.log_shape]
        return dict(zip([*self.names, "intercept", "log_shape"], values, strict=True))

    @property
    def std_errors(self) -> Array:
        """Model-based standard errors, in the order of `parameters`."""
        return standard_errors(self.covariance)

    @property
    def robust_std_errors(self) -> Array:
        """Standard errors that are valid with several rows per customer or a misspecified model.

        NaN where the variance is not positive.
        """
        return standard_errors(self.robust_covariance)

    def log_scale(self, x: ArrayLike) -> Array:
        """Log of the age, in days, at which a share of 1/e is left."""
        return self.intercept + row_sums(x, self.coefficients)

    def log_risk(self, x: ArrayLike) -> Array:
        """Log of the hazard ratio to a customer whose covariates are 0.

        A higher value means an earlier event.
        """
        return -np.exp(self.log_shape) * (self.log_scale(x) - self.intercept)

    def conditional_survival(
        self, x: Array, age: Array, days: Whole, *, stratum: Sequence[str] | None = None
    ) -> Array:
        """P(survival beyond age + days), given survival to age, of shape (rows, days).

        The model has a single baseline: `stratum` is not used.
        """
        # A shape above e^EXTREME would be a single day on which everyone leaves.
        shape, age = np.exp(min(self.log_shape, EXTREME)), np.asarray(age, dtype=float)
        # Ages as shares of the last day observed, so that the two factors stay moderate.
        log_risk = shape * (np.log(max(self.last_day, 1)) - self.log_scale(x))
        risk = np.exp(np.clip(log_risk, -EXTREME, EXTREME))
        # With a large shape, the power of an age beyond the last day overflows above exp(709).
        most = np.exp(LARGEST_LOG / max(shape, 1.0))
        share = np.minimum(age[:, None] / max(self.last_day, 1), most)
        ahead = np.minimum((age[:, None] + days[None, :]) / max(self.last_day, 1), most)
        return np.exp(-risk[:, None] * (ahead**shape - share**shape))

    def observed_days(self, age: ArrayLike, stratum: Sequence[str] | None = None) -> Array:
        """Days ahead of each age that are within the observed ages."""
        return np.maximum(self.last_day - np.asarray(age, dtype=float), 0.0)

    def to_dict(self) -> dict[str, Any]:
        """The model as plain numbers for JSON."""
        plain = {name: getattr(self, name).tolist() for name in ARRAYS}
        return {**vars(self), **plain, "names": list(self.names)}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> WeibullModel:
        """The model that `to_dict` wrote."""
        arrays = {name: np.array(content[name]) for name in ARRAYS}
        return cls(**{**content, **arrays, "names": tuple(content["names"])})


def fit_weibull(rows: Rows, names: Sequence[str], surveyed: Survey | None = None) -> WeibullModel:
    """Fit a model on the columns `names` of the rows.

    surveyed: the survey of the rows, if it exists already. The Newton steps use the parameters
    (a0, a, k) with H(t) = exp(a0 + z a + k (log t - centre)), where z are the standardised
    covariates. Without truncation, the likelihood is concave in them. Raises SurvivalError where
    the data cannot identify the model, or a row stops on day 0.
    """
    surveyed = survey(rows) if surveyed is None else surveyed
    refuse_unusable(surveyed, names, "weibull_aft")
    at_zero = float(surveyed.exits[:, :2].sum())
    if at_zero:
        raise SurvivalError(
            f"stop: must be at least day 1 for a Weibull model, got weight {at_zero:g} on day 0. "
            "Count the day of the event as day 1."
        )
    centre = _mean_log_day(surveyed)
    ready = _Ready(surveyed.mean, surveyed.scale, centre)
    size = len(names) + 2

    def value_at(theta: Array) -> Point:
        if theta[-1] <= 0:  # not a valid shape: the step is halved
            return Point(theta, -np.inf, np.zeros(size), np.eye(size))
        layout = Layout(value=(), gradient=(size,), information=(size, size))
        sums = layout.views(rows.total(_Likelihood(ready, theta, layout)))
        return Point(theta, float(sums["value"]), sums["gradient"], sums["information"])

    rate = surveyed.events.sum() / surveyed.weight
    start = np.zeros(size)
    start[0], start[-1] = np.log(rate), 1.0
    end, passes = maximise(value_at, value_at(start), "weibull_aft")
    covariance = inverse(end, "weibull_aft")
    products = rows.total(_ScoreProducts(ready, end.theta)).reshape(size, size)
    robust: Array = covariance @ products @ covariance
    return _in_units(end, covariance, robust, ready, names, surveyed, passes + 2)


@dataclass(frozen=True)
class _Ready:
    """Constants that standardise rows: mean and scale of the covariates, centre of log time."""

    mean: Array
    scale: Array
    centre: float

    def terms(self, block: Block, theta: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Designs (1, z, log time) at stop and start, cumulative hazards there, log-likelihoods.

        One entry per row in each array.
        """
        z = (block.x - self.mean) / self.scale
        log_stop = np.log(block.stop)
        entered = block.start > 0
        log_start = np.log(np.where(entered, block.start, 1))
        ones = np.ones((len(block), 1))
        at_stop = np.hstack([ones, z, (log_stop - self.centre)[:, None]])
        at_start = np.hstack([ones, z, (log_start - self.centre)[:, None]])
        gone = _hazard(at_stop @ theta)
        before = np.where(entered, _hazard(at_start @ theta), 0.0)
        value = block.event * (at_stop @ theta + np.log(theta[-1]) - log_stop)
        return at_stop, at_start, gone, before, value - (gone - before)


def _hazard(predictor: Array) -> Array:
    """Cumulative hazards from their logarithms; NaN beyond EXTREME, so that the step is halved."""
    return np.exp(np.where(predictor <= EXTREME, predictor, np.nan))


@dataclass(frozen=True)
class _Likelihood:
    """Log-likelihood, gradient and information of one partition at theta."""

    ready: _Ready
    theta: Array
    layout: Layout

    def __call__(self, blocks: Iterable[Block]) -> Array:
        vector, sums = self.layout.zeros()
        k = self.theta[-1]
        for block in blocks:
            at_stop, at_start, gone, before, value = self.ready.terms(block, self.theta)
            w = block.weight
            events = w * block.event
            sums["value"] += w @ value
            sums["gradient"] += at_stop.T @ (events - w * gone) + at_start.T @ (w * before)
            sums["gradient"][-1] += events.sum() / k
            sums["information"] += (at_stop * (w * gone)[:, None]).T @ at_stop
            sums["information"] -= (at_start * (w * before)[:, None]).T @ at_start
            sums["information"][-1, -1] += events.sum() / k**2
        return vector


@dataclass(frozen=True)
class _ScoreProducts:
    """Sum over the customers of one partition of score x score' at theta."""

    ready: _Ready
    theta: Array

    def __call__(self, blocks: Iterable[Block]) -> Array:
        total = np.zeros((len(self.theta), len(self.theta)))
        for customers in cluster_sums((block.cluster, self.scores(block)) for block in blocks):
            total += customers.T @ customers
        return total.ravel()

    def scores(self, block: Block) -> Array:
        """Weighted derivatives of each row's log-likelihood, of shape (rows, parameters)."""
        at_stop, at_start, gone, before, _ = self.ready.terms(block, self.theta)
        score = at_stop * (block.event - gone)[:, None] + at_start * before[:, None]
        score[:, -1] += block.event / self.theta[-1]
        return score * block.weight[:, None]


def _mean_log_day(surveyed: Survey) -> float:
    """Mean of log(stop). Position 0 of the tables is ALWAYS, position 1 is day 0."""
    exits = surveyed.exits.sum(axis=0)[2:]
    return float(exits @ np.log(np.arange(1, len(exits) + 1)) / exits.sum())


def _in_units(
    end: Point,
    inverse: Array,
    robust: Array,
    ready: _Ready,
    names: Sequence[str],
    surveyed: Survey,
    passes: int,
) -> WeibullModel:
    """The model from (a0, a, k): b = -a / (k sd), intercept, log k. Covariances by delta method.

    k (log t - log scale) = a0 + z a + k (log t - centre), so
    log scale = centre - (a0 + z a) / k, and at x = 0 z is -mean / sd.
    """
    a, k = end.theta[1:-1], float(end.theta[-1])
    columns = len(a)
    offset = ready.mean / ready.scale
    coefficients = -a / (k * ready.scale)
    at_zero = float(end.theta[0] - a @ offset)
    change = np.zeros((columns + 2, columns + 2))
    change[:columns, 1:-1] = np.diag(-1 / (k * ready.scale))
    change[:columns, -1] = a / (k**2 * ready.scale)
    change[columns, 0] = -1 / k
    change[columns, 1:-1] = offset / k
    change[columns, -1] = at_zero / k**2
    change[columns + 1, -1] = 1 / k
    return WeibullModel(
        names=tuple(names),
        coefficients=coefficients,
        intercept=ready.centre - at_zero / k,
        log_shape=float(np.log(k)),
        covariance=change @ inverse @ change.T,
        robust_covariance=change @ robust @ change.T,
        log_likelihood=end.log_likelihood,
        rows=surveyed.count,
        events=int(surveyed.event_count.sum()),
        last_day=surveyed.exits.shape[1] - 2,
        passes=passes,
    )
