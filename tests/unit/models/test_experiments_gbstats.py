"""Statistics of experiments against GrowthBook (gbstats 0.8.0).

The expected figures are stored here, because gbstats needs numpy 1 and pandas 1 and the lock has
newer versions. They were computed in a separate environment from the sums below, with
TwoSidedTTest, SequentialTwoSidedTTest (default tuning parameter), RegressionAdjustedStatistic and
check_srm. Differences are absolute.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.experiments import Moments, anytime_p_value, cuped, difference, srm_p_value

# (customers, sum, sum of squares) of treated and control; (difference, standard error); interval;
# (fixed-sample p-value, sequential p-value).
CASES = {
    "conversion": (
        ((4750, 988.0, 988.0), (527, 86.0, 86.0)),
        (0.04481214421252372, 0.017155283040125847),
        (0.011127974986374245, 0.0784963134386732),
        (0.00919776339497358, 0.1453349806683248),
    ),
    "revenue": (
        ((4750, 118342.5, 5873211.25), (527, 12010.75, 561840.5)),
        (2.1234135623689205, 1.0812002964297873),
        (0.0004318184112750423, 4.246395306326566),
        (0.04995355324473083, 0.5467448517838893),
    ),
    "a dozen customers": (
        ((12, 31.0, 97.0), (9, 14.5, 40.25)),
        (0.9722222222222223, 0.6022661096983073),
        (-0.30639246193140224, 2.250836906375847),
        (0.12636138074421965, 0.9746914678380593),
    ),
    "no difference": (
        ((800, 200.0, 200.0), (400, 100.0, 100.0)),
        (0.0, 0.026544173512267233),
        (-0.05210468469045456, 0.05210468469045456),
        (1.0, 1.0),
    ),
}
# The default tuning parameter of gbstats: the sample size at which its interval is narrowest.
TUNING, ALPHA = 5_000, 0.05
RHO_SQUARED = (-2 * math.log(ALPHA) + math.log(-2 * math.log(ALPHA) + 1)) / TUNING


@pytest.mark.parametrize("name", CASES)
def test_a_comparison_of_means_is_the_same(name):
    arms, (effect, error), interval, (p_value, _) = CASES[name]
    ours = difference(*(Moments(*arm) for arm in arms))
    assert (ours.effect, ours.error) == pytest.approx((effect, error), rel=1e-9, abs=1e-12)
    assert (ours.low, ours.high) == pytest.approx(interval, rel=1e-9)
    # gbstats computes 1 - cdf, which has fewer digits than sf.
    assert ours.p_value == pytest.approx(p_value, rel=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_the_test_of_any_look_is_the_same(name):
    """The variance of the mixture is scale^2 here and rho^2 * customers * error^2 in gbstats."""
    arms, _, _, (_, anytime) = CASES[name]
    ours = difference(*(Moments(*arm) for arm in arms))
    customers = sum(count for count, _, _ in arms)
    scale = math.sqrt(RHO_SQUARED * customers) * ours.error
    assert anytime_p_value(ours, scale) == pytest.approx(anytime, rel=1e-9)


def test_cuped_is_the_same_for_the_same_theta():
    """Theta pooled within the arms is .9117647 = 31 / 34. gbstats pools across arms (.9493534), so
    the expected figures were computed with .9117647 passed to gbstats."""
    x1, y1 = [2.0, 5, 3, 8, 6, 1, 9, 4, 7, 5], [3.0, 6, 5, 9, 8, 2, 9, 6, 7, 7]
    x0, y0 = [4.0, 6, 2, 7, 3, 8, 5, 1], [3.0, 6, 2, 6, 2, 8, 4, 1]
    shared, spread = (
        sum(np.cov(x, other)[0, 1] * (len(x) - 1) for x, other in pairs)
        for pairs in (((x1, y1), (x0, y0)), ((x1, x1), (x0, x0)))
    )
    assert shared / spread == pytest.approx(0.9117647058823529)
    ours = cuped(Moments.of(y1, x1), Moments.of(y0, x0))
    assert ours.effect == pytest.approx(1.7441176470588236, rel=1e-9)
    expected = (1.107665213195514, 2.380570080922133)
    assert (ours.low, ours.high) == pytest.approx(expected, rel=1e-9)
    assert ours.p_value == pytest.approx(2.6666215815929206e-05, rel=1e-9)


@pytest.mark.parametrize(
    ("counts", "shares", "expected"),
    [
        ((4750, 527), (0.9, 0.1), 0.9743758996978157),
        ((5200, 4800), (0.5, 0.5), 6.334248366623988e-05),
        ((300, 310, 390), (0.3, 0.3, 0.4), 0.7470175003104327),
    ],
)
def test_a_mismatch_of_sizes_has_the_same_chance(counts, shares, expected):
    names = "abc"[: len(counts)]
    ours = srm_p_value(dict(zip(names, counts, strict=True)), dict(zip(names, shares, strict=True)))
    assert ours == pytest.approx(expected, rel=1e-9)
