"""Money with heavy tails: a fit ends with finite figures or a SurvivalError, and never a warning."""

from __future__ import annotations

import numpy as np
import pytest

from models.survival.cox import fit_cox
from models.survival.rows import ArrayRows, SurvivalError
from models.survival.weibull_aft import WeibullModel, fit_weibull

pytestmark = pytest.mark.filterwarnings("error")
# For these, a step that only looks at the log-likelihood ends where 1 / d^2 overflows.
OVERFLOWED = (24, 182, 220, 229, 271, 392)


@pytest.mark.parametrize("fit", [fit_cox, fit_weibull])
@pytest.mark.parametrize("seed", OVERFLOWED)
def test_heavy_tailed_covariates(fit, seed):
    draw = np.random.default_rng(seed)
    # A Pareto distribution with shape 1/2 has no mean: the largest of 60 is most of their sum.
    x = draw.pareto(0.5, (60, 3)) * [1.0, 100.0, 1e4]
    start = draw.integers(0, 50, 60)
    stop = start + 1 + draw.integers(0, 60, 60)
    rows = ArrayRows.of(stop, draw.random(60) < 0.4, x, start=start)
    try:
        model = fit(rows, ["a", "b", "c"])
    except SurvivalError as reason:
        assert "log-likelihood" in str(reason) or "no finite estimate" in str(reason)
        return
    curve = model.conditional_survival(x, start, np.arange(0, 1096, 30))
    assert np.isfinite(curve).all() and curve.min() >= 0 and curve.max() <= 1


def test_a_shape_at_which_all_leave_on_one_day_stays_finite():
    """H(t) = (t / 100)^500: nobody leaves before day 99, and nobody is left at twice the age."""
    none = np.zeros((3, 3))
    model = WeibullModel(
        (), np.zeros(0), np.log(100.0), np.log(500.0), none, none, 0.0, 2, 2, 100, 1
    )
    curve = model.conditional_survival(
        np.zeros((2, 0)), np.array([0.0, 100.0]), np.array([0, 50, 100, 1095])
    )
    # From age 0: H(50) = 2^-500, H(100) = 1, H(1095) is beyond every float. From age 100: H(150).
    assert curve[0].tolist() == pytest.approx([1, 1, np.exp(-1), 0])
    assert curve[1].tolist() == [1, 0, 0, 0]
