"""Statistics of experiments against statsmodels and scipy, and their coverage by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from models.experiments import (
    Moments,
    anytime_p_value,
    cuped,
    customers_needed,
    difference,
    holm,
    minimum_detectable_effect,
    srm_p_value,
)


def test_welch_equals_statsmodels_on_500_random_tables():
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    draw = np.random.default_rng(1)
    for _ in range(500):
        a, b = (
            draw.normal(draw.normal(), draw.uniform(0.1, 5), draw.integers(3, 60)) for _ in "ab"
        )
        ours = difference(Moments.of(a), Moments.of(b))
        theirs = CompareMeans(DescrStatsW(a), DescrStatsW(b))
        low, high = theirs.tconfint_diff(usevar="unequal")
        p_value = theirs.ttest_ind(usevar="unequal")[1]
        assert (ours.low, ours.high) == pytest.approx((low, high), abs=1e-9)
        assert ours.p_value == pytest.approx(p_value, abs=1e-9)


def test_intervals_cover_the_truth_in_95_of_100_campaigns():
    draw = np.random.default_rng(2)
    hits = 0
    for _ in range(2_000):
        a = draw.random(400) < 0.30
        b = draw.random(200) < 0.22
        interval = difference(Moments.of(a), Moments.of(b))
        hits += interval.low <= 0.08 <= interval.high
    assert 0.935 <= hits / 2_000 <= 0.965


def test_aa_campaigns_alarm_in_5_of_100():
    draw = np.random.default_rng(3)
    bought = draw.binomial(300, 0.2, (20_000, 2)).astype(float)
    alarms = sum(
        difference(Moments(300, a, a), Moments(300, b, b)).p_value < 0.05 for a, b in bought
    )
    # 20,000 runs have a standard deviation of 0.15 percentage points.
    assert abs(alarms / 20_000 - 0.05) <= 0.01


def test_daily_peeking_raises_no_more_false_alarms_with_the_sequential_test():
    draw = np.random.default_rng(4)
    sequential = fixed = 0
    for _ in range(1_000):
        a, b = draw.random(3_000) < 0.2, draw.random(3_000) < 0.2
        looks = [difference(Moments.of(a[:n]), Moments.of(b[:n])) for n in range(100, 3_001, 100)]
        sequential += any(anytime_p_value(look, 0.05) < 0.05 for look in looks)
        fixed += any(look.p_value < 0.05 for look in looks)
    assert sequential / 1_000 <= 0.05
    # For comparison: 30 looks at an ordinary p-value.
    assert fixed / 1_000 > 0.2


def test_the_sequential_test_finds_an_effect_that_is_there():
    observed = difference(
        Moments.of([1.0] * 300 + [0.0] * 700), Moments.of([1.0] * 200 + [0.0] * 800)
    )
    assert observed.effect == pytest.approx(0.1)
    # By hand, with v = se^2 and m = 0.05^2: sqrt((v + m) / v) * exp(-m d^2 / (2 v (v + m))).
    v, m = observed.error**2, 0.0025
    by_hand = np.sqrt((v + m) / v) * np.exp(-m * 0.01 / (2 * v * (v + m)))
    assert anytime_p_value(observed, 0.05) == pytest.approx(by_hand)


def test_cuped_takes_out_what_was_there_before():
    """Only the noise of y = x + noise remains: 1/10 of the variance, about 1/3 of the interval."""
    draw = np.random.default_rng(5)
    x = draw.normal(0, 3, 4_000)
    y = x + draw.normal(0, 1, 4_000)
    y[:2_000] += 0.5
    plain = difference(Moments.of(y[:2_000]), Moments.of(y[2_000:]))
    better = cuped(Moments.of(y[:2_000], x[:2_000]), Moments.of(y[2_000:], x[2_000:]))
    assert better.error / plain.error == pytest.approx(np.sqrt(1 / 10), abs=0.02)
    assert better.low <= 0.5 <= better.high
    # Equal to the comparison of residuals, with theta from scipy's regression pooled within arms.
    xc = np.concatenate([x[:2_000] - x[:2_000].mean(), x[2_000:] - x[2_000:].mean()])
    yc = np.concatenate([y[:2_000] - y[:2_000].mean(), y[2_000:] - y[2_000:].mean()])
    theta = stats.linregress(xc, yc).slope
    residual = y - theta * x
    again = difference(Moments.of(residual[:2_000]), Moments.of(residual[2_000:]))
    assert (better.effect, better.error) == pytest.approx((again.effect, again.error), abs=1e-9)


def test_cuped_without_a_covariate_is_the_plain_comparison():
    a, b = Moments.of([1.0, 2, 3, 5]), Moments.of([1.0, 1, 2, 2])
    assert cuped(a, b) == difference(a, b)


def test_what_cannot_be_compared_is_none():
    assert difference(Moments.of([1.0]), Moments.of([1.0, 2])) is None
    assert difference(Moments.of([1.0, 1]), Moments.of([1.0, 1])) is None
    assert cuped(Moments.of([1.0]), Moments.of([1.0, 2])) is None


def test_a_mismatch_of_52_to_48_is_found_at_10_000():
    counts, even = {"a": 5_200, "b": 4_800}, {"a": 0.5, "b": 0.5}
    # The statistic is (200^2 / 5,000) * 2 = 16, with one degree of freedom.
    assert srm_p_value(counts, even) == pytest.approx(stats.chi2.sf(16.0, 1))
    assert srm_p_value(counts, even) < 0.001
    assert srm_p_value({"a": 5_000, "b": 5_000}, even) == 1.0


def test_holm_equals_statsmodels():
    from statsmodels.stats.multitest import multipletests

    draw = np.random.default_rng(6)
    for _ in range(100):
        p = draw.random(draw.integers(1, 8)) ** 3
        assert holm(p.tolist()) == pytest.approx(multipletests(p, method="holm")[1].tolist())


def test_power_is_what_was_planned():
    """A true difference of the minimum detectable size is detected in 80 % of campaigns."""
    deviation = np.sqrt(0.2 * 0.8)
    size = minimum_detectable_effect(800, 400, deviation)
    # (1.959964 + 0.841621) * 0.4 * sqrt(1/800 + 1/400)
    assert size == pytest.approx(2.801585 * 0.4 * np.sqrt(0.00375), rel=1e-6)
    draw, detected = np.random.default_rng(7), 0
    for _ in range(6_000):
        a, b = draw.normal(size, deviation, 800), draw.normal(0, deviation, 400)
        detected += difference(Moments.of(a), Moments.of(b)).p_value < 0.05
    # Within 2 percentage points of 80 %. 6,000 runs have a standard deviation of 0.5 points.
    assert abs(detected / 6_000 - 0.8) <= 0.02


def test_customers_needed_are_those_whose_minimum_detectable_effect_it_is():
    """The two functions are inverses of each other for all shares."""
    for share in (0.5, 0.9, 0.99):
        n = customers_needed(0.03, 0.45, share)
        size = minimum_detectable_effect(round(share * n), round((1 - share) * n), 0.45)
        assert size == pytest.approx(0.03, rel=1e-2)
