"""Newton's method where the information is not positive definite, as with left truncation."""

from __future__ import annotations

import numpy as np
import pytest

from models.survival.newton import Point, inverse, maximise
from models.survival.rows import SurvivalError


def hills(theta):
    """x^2 / 2 - x^4 / 4: maxima of 1 / 4 at -1 and 1, and a convex valley between them."""
    x = theta[0]
    value = x**2 / 2 - x**4 / 4
    return Point(theta, value, np.array([x - x**3]), np.array([[3 * x**2 - 1]]))


@pytest.mark.parametrize("start", [0.1, 0.57, 0.58, 3.0])
def test_the_fit_leaves_a_valley_uphill(start):
    end, _ = maximise(hills, hills(np.array([start])), "hills")
    assert end.theta == pytest.approx([1.0], abs=1e-4)
    assert end.log_likelihood == pytest.approx(0.25, abs=1e-8)


def test_a_likelihood_that_no_step_raises_is_refused():
    def cliff(theta):
        return Point(theta, -1e9 if theta[0] else 0.0, np.array([1.0]), np.array([[1.0]]))

    with pytest.raises(SurvivalError, match=r"no step raises the log-likelihood 0\.0"):
        maximise(cliff, cliff(np.zeros(1)), "cliff")


def test_a_step_to_a_point_without_finite_information_is_halved():
    """-(x - 1)^2 / 2, with an information that overflows above 0.8: 1 is out of reach, 0.75 is not.

    From 0 the full step leads to 1; halved, to 0.5. From there, to 1 and then to 0.75.
    """
    reached = []

    def ridge(theta):
        x = float(theta[0])
        reached.append(x)
        information = 1.0 if x <= 0.8 else np.inf
        return Point(theta, -((x - 1) ** 2) / 2, np.array([1 - x]), np.array([[information]]))

    with pytest.raises(SurvivalError, match="no step raises"):
        maximise(ridge, ridge(np.zeros(1)), "ridge")
    assert reached[:5] == [0.0, 1.0, 0.5, 1.0, 0.75]


def test_a_start_without_a_finite_likelihood_is_refused():
    start = Point(np.zeros(1), np.nan, np.zeros(1), np.eye(1))
    with pytest.raises(SurvivalError, match="cox: the likelihood is not finite at the start"):
        maximise(lambda theta: start, start, "cox")


def test_an_information_without_an_inverse_is_refused():
    end = Point(np.zeros(2), 0.0, np.zeros(2), np.ones((2, 2)))
    with pytest.raises(SurvivalError, match="weibull_aft: the information matrix"):
        inverse(end, "weibull_aft")
