"""The optimiser of all BTYD models: maximum likelihood over the logarithms of the parameters.

The starting points are compared on a thinned sample. L-BFGS-B continues from the best start on all
rows. Newton steps finish the fit, so that the result does not depend on the end of a line search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from models.btyd.rows import Array, NotFittableError

# A function of the log parameters: returns the log-likelihood of all customers and its gradient.
Likelihood = Callable[[Array], tuple[float, Array]]

LOWEST_LOG, HIGHEST_LOG = -18.0, 18.0
# Limit for convergence: the gradient of the mean log-likelihood per customer, by log parameter.
MOST_GRADIENT = 1e-6
NEWTON_STEPS = 8
HESSIAN_STEP = 1e-4


@dataclass(frozen=True)
class Fit:
    """Estimated parameters, their standard errors, and the diagnostics of convergence.

    std_errors: None where the Hessian is not negative definite, or a variance is not positive.
    log_covariance: covariance of the logarithms of the parameters; None likewise.
    log_likelihood: sum over all customers, with times in days; only combinatorial terms without a
    parameter are left out. gradient_norm: largest absolute element of the gradient of the mean
    log-likelihood, by log parameter. is_at_a_maximum: whether the Hessian is negative definite.
    evaluations: calls of the likelihood on all rows.
    """

    names: tuple[str, ...]
    values: tuple[float, ...]
    std_errors: tuple[float, ...] | None
    log_likelihood: float
    customers: float
    gradient_norm: float
    is_at_a_maximum: bool
    evaluations: int
    log_covariance: tuple[tuple[float, ...], ...] | None = None

    @property
    def converged(self) -> bool:
        """Whether the fit ended at a maximum inside the bounds."""
        inside = all(LOWEST_LOG < np.log(v) < HIGHEST_LOG for v in self.values)
        return bool(self.is_at_a_maximum and self.gradient_norm <= MOST_GRADIENT and inside)

    @property
    def parameters(self) -> dict[str, float]:
        return dict(zip(self.names, self.values, strict=True))

    def at(self, values: Array) -> Fit:
        """This fit with other values of the parameters, to see how predictions depend on them."""
        return replace(self, values=tuple(float(v) for v in values))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        errors, covariance = values["std_errors"], values["log_covariance"]
        lists = {
            "names": tuple(values["names"]),
            "values": tuple(values["values"]),
            "std_errors": None if errors is None else tuple(errors),
            "log_covariance": None if covariance is None else tuple(map(tuple, covariance)),
        }
        return cls(**{**values, **lists})


def maximise(
    likelihood: Likelihood,
    customers: float,
    names: Sequence[str],
    *,
    starts: Sequence[Sequence[float]],
    on_sample: Likelihood | None = None,
) -> Fit:
    """Maximise a likelihood.

    starts: positive parameters. on_sample: a cheaper likelihood to compare the starts; without it
    the full likelihood is used. Raises NotFittableError where the likelihood is finite at no start.
    """
    counted = _Counted(likelihood, customers)
    # One thread: sums over 100,000 rows measured 4x slower when several threads share them.
    with threadpool_limits(1):
        at = _best_start(_Counted(on_sample or likelihood, customers), starts, on_sample is None)
        if on_sample is not None or len(starts) == 1:
            at = _descend(counted, at, 1e-14)
        at, hessian = _newton(counted, at)
        value, gradient = likelihood(at)
    covariance = _covariance(hessian, customers)
    errors = None if covariance is None else np.exp(at) * np.sqrt(np.diag(covariance))
    return Fit(
        names=tuple(names),
        values=tuple(float(v) for v in np.exp(at)),
        std_errors=None if errors is None else tuple(float(e) for e in errors),
        log_likelihood=float(value),
        customers=float(customers),
        gradient_norm=float(np.abs(gradient).max() / customers),
        is_at_a_maximum=covariance is not None,
        evaluations=counted.calls,
        log_covariance=None if covariance is None else tuple(map(tuple, covariance.tolist())),
    )


class _Counted:
    """The negative mean log-likelihood per customer. It is always finite and counts its calls."""

    def __init__(self, likelihood: Likelihood, customers: float) -> None:
        self.likelihood, self.customers, self.calls = likelihood, customers, 0

    def __call__(self, at: Array) -> tuple[float, Array]:
        self.calls += 1
        value, gradient = self.likelihood(np.asarray(at, dtype=float))
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return 1e10, np.zeros_like(gradient)
        return -value / self.customers, -gradient / self.customers


def _best_start(goal: _Counted, starts: Sequence[Sequence[float]], is_whole: bool) -> Array:
    candidates = []
    for start in starts:
        at = np.log(np.asarray(start, dtype=float))
        if goal(at)[0] >= 1e10:
            continue
        # A single start needs no comparison: `maximise` descends from it on all rows.
        at = at if len(starts) == 1 else _descend(goal, at, 1e-14 if is_whole else 1e-9)
        candidates.append((goal(at)[0], at))
    if not candidates:
        raise NotFittableError(
            f"the likelihood is not finite at any of {len(starts)} starting points: some rows are "
            "far outside the range of the model. Check the largest frequency and the largest T."
        )
    return min(candidates, key=lambda pair: pair[0])[1]


def _descend(goal: _Counted, at: Array, tolerance: float) -> Array:
    bounds = [(LOWEST_LOG, HIGHEST_LOG)] * len(at)
    options = {"ftol": tolerance, "gtol": 1e-9, "maxiter": 500, "maxcor": 20}
    return minimize(goal, at, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x


def _newton(goal: _Counted, at: Array) -> tuple[Array, Array]:
    """Newton steps while they lower the gradient. Returns the last point and the Hessian there.

    The Hessian is that of the negative mean log-likelihood.
    """
    value, gradient = goal(at)
    hessian = _hessian(goal, at)
    for _ in range(NEWTON_STEPS):
        if np.abs(gradient).max() < 1e-12 or not _is_positive(hessian):
            break
        step = np.linalg.solve(hessian, -gradient)
        if np.abs(step).max() > 1:
            break
        further = np.clip(at + step, LOWEST_LOG, HIGHEST_LOG)
        new_value, new_gradient = goal(further)
        if np.abs(new_gradient).max() >= np.abs(gradient).max() or new_value > value + 1e-9:
            break
        at, value, gradient = further, new_value, new_gradient
    return at, _hessian(goal, at)


def _hessian(goal: _Counted, at: Array) -> Array:
    """Hessian by central differences of the gradient, made symmetric."""
    rows = []
    for place in range(len(at)):
        step = np.zeros_like(at)
        step[place] = HESSIAN_STEP
        rows.append((goal(at + step)[1] - goal(at - step)[1]) / (2 * HESSIAN_STEP))
    matrix = np.array(rows)
    return (matrix + matrix.T) / 2


def _is_positive(hessian: Array) -> bool:
    return bool(np.isfinite(hessian).all() and np.linalg.eigvalsh(hessian)[0] > 1e-12)


def _covariance(hessian: Array, customers: float) -> Array | None:
    """Covariance of the log parameters; None where it is not that of a maximum."""
    if not _is_positive(hessian):
        return None
    covariance = np.asarray(np.linalg.inv(hessian * customers), dtype=np.float64)
    # Rounding: the inverse of a nearly singular Hessian.
    return covariance if (np.diag(covariance) > 0).all() else None
