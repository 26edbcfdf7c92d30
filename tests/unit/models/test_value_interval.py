"""Intervals of revenue: quantiles by hand, planted variances, and coverage of planted outcomes."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from models.value_interval import Calibrated, Moments, Spread, centrality, p_none, quantiles


def test_quantiles_and_levels_of_an_exponential_with_a_mass_at_zero():
    """P(r <= q) = .4 + .6 (1 - e^(-q / 10)). Mean 6, E[r^2] = .6 x 200, variance 120 - 36 = 84."""
    none, mean, variance = (np.array([v]) for v in (0.4, 6.0, 84.0))
    low, high = quantiles(none, mean, variance, level=0.9)
    assert (low.item(), high.item()) == pytest.approx((0.0, 10 * np.log(0.6 / 0.05)))
    # An outcome on a bound lies inside all intervals from that level on.
    assert centrality(none, mean, variance, came=high) == pytest.approx([0.9])
    # 0 has the probability .4, so it lies inside the intervals whose lower tail is at most .4.
    assert centrality(none, mean, variance, came=np.array([0.0])) == pytest.approx([0.2])


@pytest.mark.filterwarnings("error")
def test_revenue_where_refunds_were_forecast_lies_outside_every_interval():
    """A forecast below 0 counts as none: its certain spread of 0 makes no division overflow."""
    none, mean, variance = (np.array([v]) for v in (0.5, -5.0, 0.0))
    assert centrality(none, mean, variance, came=np.array([50.0])) == pytest.approx([1.0])


def test_no_purchase_of_a_geometric_and_of_a_poisson_count():
    # Geometric with mean 3: P(0) = 1 / 4 and variance 3 x 4. Poisson with mean 2: e^-2.
    assert p_none(np.array([3.0, 2.0]), np.array([12.0, 2.0])) == pytest.approx(
        [0.25, np.exp(-2)], rel=1e-6
    )
    assert p_none(np.array([0.0]), np.array([0.0])).tolist() == [1.0]


def test_planted_variances_are_recovered():
    """Errors of exactly one standard deviation, half of them up."""
    mean = np.tile(np.linspace(10.0, 500.0, 200), 3)
    days = np.repeat([30.0, 90.0, 180.0], 200)
    truth = Spread(0.02, 5.0, 1.5)
    error = np.sqrt(truth.variance(mean, days) + 40.0) * np.where(np.arange(600) % 2, 1, -1)
    fitted = Spread.fit(mean, mean + error, days, of_model=np.full(600, 40.0))
    assert (fitted.lasting, fitted.passing, fitted.growing) == pytest.approx((0.02, 5.0, 1.5))
    # Of one horizon the growth is not known: the same variance, as one part.
    single = Spread.fit(mean[:200], (mean + error)[:200], days[:200], of_model=np.full(200, 40.0))
    assert (single.lasting, single.passing, single.growing) == pytest.approx(
        (0.02, 5.0 + 45.0, 0.0)
    )
    assert Spread.fit([], [], [], of_model=[]) == Spread()


def outcomes(days, seed, count=20_000):
    """Forecasts, and outcomes of a gamma distribution whose variance is (20 + 2 days) x mean."""
    draw = np.random.default_rng(seed)
    mean = draw.gamma(2, 2.0 * days, count)
    scale = 20.0 + 2.0 * days
    moments = Moments(np.zeros(count), mean, np.zeros(count), np.full(count, 99.0))
    return moments, draw.gamma(mean / scale, scale)


def test_an_interval_fitted_on_short_horizons_covers_a_long_one():
    """20,000 customers: four standard errors of a share of .9 are .0085."""
    past = {h: outcomes(h, h) for h in (30, 90)}
    fitted = Calibrated.fit(past, (0.8, 0.9), is_added=True)
    moments, came = outcomes(365, 5)
    variance = fitted.spread.variance(moments.mean, 365)
    for level in (0.8, 0.9):
        low, high = quantiles(moments.none, moments.mean, variance, level=fitted.level(level))
        assert ((came >= low) & (came <= high)).mean() == pytest.approx(level, abs=0.015)
    # A variance that does not grow covers far less.
    still = Calibrated.fit({90: past[90]}, (0.9,), is_added=True)
    variance = still.spread.variance(moments.mean, 365)
    low, high = quantiles(moments.none, moments.mean, variance, level=still.level(0.9))
    assert ((came >= low) & (came <= high)).mean() < 0.75


def test_the_level_is_that_of_the_longest_horizon_with_enough_rows():
    few = (Moments(*(np.full(50, v) for v in (0.0, 9.0, 0.0, 99.0))), np.full(50, 9.0))
    past = {90: outcomes(90, 3, 500), 180: few}
    fitted = Calibrated.fit(past, (0.9,), is_added=True)
    moments, came = past[90]
    variance = fitted.spread.variance(moments.mean, 90)
    low, high = quantiles(moments.none, moments.mean, variance, level=fitted.level(0.9))
    assert ((came >= low) & (came <= high)).mean() == pytest.approx(0.9, abs=0.003)
    assert Calibrated.fit({180: few}, (0.9,), is_added=True).level(0.9) == 0.9
    assert Calibrated.fit({}, (0.9,), is_added=True) is None
    assert Calibrated.from_dict(json.loads(json.dumps(asdict(fitted)))) == fitted


def test_new_customers_have_the_variance_of_their_own_errors():
    """400 known for 90 days have errors of 20; 200 known for 5 days have errors of 60."""
    known = np.repeat([90.0, 5.0], [400, 200])
    mean, error = np.full(600, 100.0), np.repeat([20.0, 60.0], [400, 200])
    came = mean + error * np.where(np.arange(600) % 2, 1, -1)
    past = {90: (Moments(np.zeros(600), mean, np.zeros(600), known), came)}
    fitted = Calibrated.fit(past, (0.9,), is_added=True, new_until=60)
    # All rows have the same mean, so the spread is the mean squared error, 4,400 / 3.
    spread = (400 * 20**2 + 200 * 60**2) / 600
    assert fitted.new_factor == pytest.approx(3600 / spread)
    variance = fitted.variance(mean[:2], 90, np.array([60.0, 61.0]))
    assert variance == pytest.approx([3600.0, spread])
    # Fewer than 100 new customers have no factor of their own.
    few = {90: (Moments(*(v[:450] for v in past[90][0])), came[:450])}
    assert Calibrated.fit(few, (0.9,), is_added=True, new_until=60).new_factor == 1.0
