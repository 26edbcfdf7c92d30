"""Drift statistics: hand-computed values, scipy as the independent library, edge cases."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from models.drift import (
    Thresholds,
    beyond_p_value,
    compared,
    homogeneity_p_value,
    psi,
    total_variation,
    wasserstein,
)
from models.feature_histogram import Current, Reference

LIMITS = Thresholds(0.2, 0.3, 0.15, 0.1, 0.01, 0.01, 0.05)


def counted(reference: Reference, values) -> Current:
    return Current.of(reference, pd.Series(values))


def of(measured, statistic):
    return next(s for s in measured if s.statistic == statistic)


def test_psi_by_hand():
    # Shares .2, .3, .5 and .3, .3, .4: .1 ln 1.5 + 0 + (-.1) ln .8
    assert psi([20, 30, 50], [30, 30, 40]) == pytest.approx(
        0.1 * math.log(1.5) - 0.1 * math.log(0.8)
    )


def test_a_bin_without_rows_counts_as_half_a_row_in_the_psi():
    # 10 and 0 rows against 5 and 5: shares 10/10.5 and .5/10.5
    p = 10 / 10.5
    expected = (0.5 - p) * math.log(0.5 / p) + (0.5 - 0.5 / 10.5) * math.log(0.5 * 10.5 / 0.5)
    assert psi([10, 0], [5, 5]) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_wasserstein_equals_scipy_on_the_same_bins(seed):
    draw = np.random.default_rng(seed)
    x, y = draw.normal(size=20), draw.normal(1, 2, size=15)
    p, q = draw.integers(1, 100, 20), draw.integers(1, 100, 15)
    expected = stats.wasserstein_distance(x, y, p, q)
    assert wasserstein((x, y), (p, q)) == pytest.approx(expected, rel=1e-12)


def test_total_variation_by_hand():
    assert total_variation([60, 40, 0], [40, 40, 20]) == pytest.approx(0.2)


def test_homogeneity_equals_scipy_without_small_cells():
    table = [[50, 30, 20], [40, 40, 20]]
    expected = stats.chi2_contingency(table, correction=False).pvalue
    assert homogeneity_p_value(*table, customers=100) == pytest.approx(expected)


def test_rows_of_the_same_customers_are_no_further_evidence():
    # 200 rows of 100 customers weigh as much as 100 rows.
    once = homogeneity_p_value([50, 50], [70, 30], 100)
    assert homogeneity_p_value([100, 100], [70, 30], 100) == pytest.approx(once)


def test_beyond_p_value_by_hand():
    # 2 of 4 rows above the maximum of 6: 4/10 * 3/9
    assert beyond_p_value(2, 4, 6) == pytest.approx(12 / 90)
    assert beyond_p_value(0, 4, 6) == 1.0


def test_a_reference_counts_ties_in_one_bin_and_survives_json():
    reference = Reference.of_numbers("orders", pd.Series([0, 0, 0, 0, 1, 2, None]), 7)
    # Quantiles of six values: 0 (four times), 1, 2; the last bin has no upper bound.
    assert (reference.edges, reference.counts, reference.missing) == ((0.0, 1.0), (4, 1, 1), 1)
    assert (reference.means, reference.low, reference.high) == ((0.0, 1.0, 2.0), 0.0, 2.0)
    assert Reference.from_dict(reference.to_dict()) == reference


def test_rarer_categories_than_the_fifty_first_have_no_bin():
    texts = [f"c{i:02}" for i in range(60)] + ["c59"]
    reference = Reference.of_texts("city", pd.Series(texts), 61)
    assert reference.categories[:2] == ("c59", "c00")
    assert (len(reference.counts), reference.others, reference.rows) == (50, 10, 61)


@pytest.mark.parametrize(
    ("sample", "later"),
    [
        ([], [1.0, 2.0]),  # no row in the sample
        ([1.0, 2.0], []),  # no row now
        ([None, None], [None]),  # never a value
        ([3.0] * 9, [3.0] * 9),  # constant
    ],
)
def test_empty_and_constant_features_do_not_alert(sample, later):
    for kind in (Reference.of_numbers, Reference.of_texts):
        reference = kind("f", pd.Series(sample, dtype=object), 9)
        measured = compared(
            [(reference, counted(reference, pd.Series(later, dtype=object)))], LIMITS
        )
        assert len(measured) == 4
        assert not any(s.is_alert for s in measured)


def test_a_constant_feature_that_changes_alerts():
    reference = Reference.of_numbers("f", pd.Series([3.0] * 500), 500)
    measured = compared([(reference, counted(reference, [4.0] * 500))], LIMITS)
    assert of(measured, "out_of_range_share").value == 1.0
    assert of(measured, "out_of_range_share").is_alert


def test_a_new_category_alerts():
    reference = Reference.of_texts("tier", pd.Series(["a"] * 600 + ["b"] * 400), 1000)
    measured = compared(
        [(reference, counted(reference, ["a"] * 570 + ["b"] * 380 + ["c"] * 50))], LIMITS
    )
    new = of(measured, "new_category_share")
    assert (new.value, new.is_alert) == (0.05, True)
    assert not of(measured, "total_variation").is_alert  # .05 is below .15


def test_missing_values_alert():
    reference = Reference.of_numbers("f", pd.Series([*range(900), *[None] * 100]), 1000)
    measured = compared([(reference, counted(reference, [*range(700), *[None] * 300]))], LIMITS)
    # 300 / 1000 - 100 / 1000
    assert of(measured, "missing_share").value == pytest.approx(0.2)
    assert of(measured, "missing_share").is_alert


def test_a_large_value_from_few_rows_is_no_alert():
    draw = np.random.default_rng(1)
    reference = Reference.of_numbers("f", pd.Series(draw.normal(size=1000)), 1000)
    measured = compared([(reference, counted(reference, [0.5, 0.6, 0.7]))], LIMITS)
    assert of(measured, "wasserstein").value > 0.3
    assert not any(s.is_alert for s in measured)


def test_a_shift_moves_the_wasserstein_distance_by_its_size():
    draw = np.random.default_rng(2)
    sample = draw.normal(size=5000)
    reference = Reference.of_numbers("f", pd.Series(sample), 5000)
    shifted = sample + 0.5 * sample.std()
    distance = of(compared([(reference, counted(reference, shifted))], LIMITS), "wasserstein")
    assert distance.value == pytest.approx(0.5, abs=0.02)
    assert distance.is_alert
