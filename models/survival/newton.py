"""Newton's method on the driver. Each evaluation of the likelihood is a pass over the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from models.survival.rows import Array, SurvivalError

# Squared length of the last step, in standard errors. Newton's error after it is of the order of
# its square.
SMALL_STEP = 1e-9
MAX_STEPS = 50
MAX_HALVINGS = 30
# In a direction with almost no information, a Newton step is extremely long. Such a step is halved
# this often; then a larger diagonal (damping) shortens the step mainly in that direction.
DAMPED_HALVINGS = 4
DAMPINGS = (0.0, *10.0 ** np.arange(-6, 7))


@dataclass(frozen=True)
class Point:
    """A log-likelihood at theta, with gradient and information (the negative Hessian).

    A likelihood that cannot be computed at theta (a linear predictor is out of bounds) is NaN.
    """

    theta: Array
    log_likelihood: float
    gradient: Array
    information: Array

    @property
    def is_finite(self) -> bool:
        """Whether a further step can start here. The information can overflow before the value."""
        numbers = (self.log_likelihood, self.gradient, self.information)
        return all(bool(np.isfinite(n).all()) for n in numbers)


def standard_errors(covariance: Array) -> Array:
    """Square roots of the variances; NaN where a variance is not positive.

    A nearly singular information matrix can give such a variance through rounding.

    >>> standard_errors(np.array([[4.0, 0.0], [0.0, -1e-20]]))
    array([ 2., nan])
    """
    variances = np.diag(covariance)
    return np.sqrt(np.where(variances > 0, variances, np.nan))


def inverse(end: Point, model: str) -> Array:
    """Covariance at the maximum. SurvivalError where the information has no finite inverse."""
    try:
        covariance = np.linalg.inv(end.information)
    except np.linalg.LinAlgError:
        covariance = np.full_like(end.information, np.nan)
    if not np.isfinite(covariance).all():
        raise SurvivalError(
            f"{model}: the information matrix at the maximum has no inverse, so some covariates "
            "cannot be told apart. Use fewer covariates."
        )
    return covariance.astype(np.float64)


def maximise(value_at: Callable[[Array], Point], start: Point, model: str) -> tuple[Point, int]:
    """The point with the largest log-likelihood, and the number of passes without that at `start`.

    A step that does not raise the likelihood, or that ends where value, gradient or information is
    not finite, is halved. The last step is smaller than SMALL_STEP,
    and the likelihood is evaluated at its end, so that covariances and baselines belong to the
    final estimate. Raises SurvivalError where the fit does not converge.
    """
    if not start.is_finite:
        raise SurvivalError(
            f"{model}: the likelihood is not finite at the start of the fit. Check the weights and "
            "the largest covariates."
        )
    here, passes = start, 0
    for _ in range(MAX_STEPS):
        after, gain, tried = _climb(value_at, here, model)
        passes += tried
        if gain < SMALL_STEP:
            return after, passes
        here = after
    raise SurvivalError(
        f"{model}: did not converge in {MAX_STEPS} steps (log-likelihood "
        f"{here.log_likelihood:.6f}). Use fewer covariates, or rescale the extreme ones."
    )


def _climb(value_at: Callable[[Array], Point], here: Point, model: str) -> tuple[Point, float, int]:
    """The next point, the squared length of the full step, and the number of passes.

    The log-likelihood of the next point is not lower.
    """
    # Tolerance for the rounding error of a sum over many rows.
    lowest = here.log_likelihood - 1e-10 * abs(here.log_likelihood)
    passes = 0
    for damping in DAMPINGS:
        step = _uphill(here, damping)
        if step is None:
            continue
        for halvings in range(DAMPED_HALVINGS if damping else MAX_HALVINGS):
            after = value_at(here.theta + step * 0.5**halvings)
            passes += 1
            if after.is_finite and after.log_likelihood >= lowest:
                return after, float(step @ here.gradient), passes
    raise SurvivalError(
        f"{model}: no step raises the log-likelihood {here.log_likelihood:.6f}. Use fewer "
        "covariates, or rescale the extreme ones."
    )


def _uphill(here: Point, damping: float) -> Array | None:
    """Newton step with the diagonal increased by the share `damping`.

    None where the matrix is not positive definite, or the step is not finite: it may then not lead
    uphill.
    """
    diagonal = np.maximum(np.abs(np.diag(here.information)), 1e-12)
    try:
        factor = linalg.cho_factor(here.information + np.diag(damping * diagonal))
    except linalg.LinAlgError:
        return None
    step: Array = linalg.cho_solve(factor, here.gradient)
    return step if np.isfinite(step).all() else None
