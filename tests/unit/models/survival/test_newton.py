"""Newton's method where the information is not positive definite, as with left truncation."""

from __future__ import annotations

import numpy as np
import pytest

from models.survival.newton import Point, maximise
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
