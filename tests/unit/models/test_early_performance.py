"""Performance before labels: closed forms, scikit-learn as the independent library."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from models.early_performance import (
    Cells,
    Estimate,
    Returns,
    contradiction_p_value,
    estimated,
    expected_metrics,
    realised,
    verdict,
    weights,
)


def cells_of(probability, waiting, returned, band=None):
    size = len(probability)
    bands = np.zeros(size, dtype=np.int64) if band is None else np.array(band)
    return Cells(*(np.array(v, float) for v in (probability, waiting, returned)), bands)


def returns_of(returners, later):
    return Returns(np.array(returners, float), np.array(later, float))


@pytest.mark.parametrize(
    ("p", "share_later", "expected"),
    [
        (0.3, 1.0, 0.3),  # day 0: nothing is known yet
        (0.3, 0.0, 1.0),  # every returner comes back sooner
        (0.2, 0.5, 0.2 / (0.2 + 0.8 * 0.5)),
        (0.0, 0.5, 0.0),
        (1.0, 0.5, 1.0),
    ],
)
def test_weights(p, share_later, expected):
    assert weights(np.array([p]), np.array([share_later]))[0] == pytest.approx(expected)


def test_with_known_labels_the_metrics_are_those_of_scikit_learn():
    draw = np.random.default_rng(3)
    p, y = draw.random(300).round(2), draw.integers(0, 2, 300)  # rounded: ties
    metrics = expected_metrics(p, y.astype(float), 1.0 - y)
    assert metrics["roc_auc"] == pytest.approx(roc_auc_score(y, p), rel=1e-12)
    assert metrics["brier"] == pytest.approx(brier_score_loss(y, p), rel=1e-12)
    assert metrics["churn_rate"] == pytest.approx(y.mean())


def test_the_roc_auc_without_a_class_is_nan():
    assert np.isnan(expected_metrics(np.array([0.2]), np.array([0.0]), np.array([1.0]))["roc_auc"])


def test_the_estimate_is_that_of_the_weights():
    # S = 50 / 100. w(.2) = .2 / .6 = 1/3, w(.8) = .8 / .9 = 8/9.
    # Of (1 - p)(1 - S) n = .4 * 100 and .1 * 100 customers all have returned as expected.
    cells = cells_of([0.2, 0.8], [60, 90], [40, 10])
    early = estimated(cells, returns_of([100], [50]), calibration_error=0.0, seed=1)
    # Churned: 60 / 3 = 20 and 90 * 8 / 9 = 80; stayed: 80 and 20.
    # Pairs: 20 * (80 / 2) + 80 * (80 + 20 / 2) = 8,000 of 100 * 100.
    assert early.estimates["churn_rate"].value == pytest.approx(100 / 200)
    assert early.estimates["roc_auc"].value == pytest.approx(0.8)
    # 20 * .8^2 + 80 * .2^2 + 80 * .2^2 + 20 * .8^2 = 32 of 200
    assert early.estimates["brier"].value == pytest.approx(32 / 200)
    for estimate in early.estimates.values():
        assert estimate.low < estimate.value < estimate.high


def test_the_interval_of_the_churn_rate_has_the_width_of_chance():
    # 10,000 waiting, w = 1/3 and S known well: sd = sqrt(10,000 * 2/9) / 16,667 = .00283.
    cells = cells_of([0.2, 0.2], [5000, 5000], [3333, 3333])
    early = estimated(cells, returns_of([1e7], [5e6]), calibration_error=0.0, seed=1, draws=4000)
    rate = early.estimates["churn_rate"]
    deviation = (10_000 * 2 / 9) ** 0.5 / 16_666
    assert rate.high - rate.low == pytest.approx(2 * 1.645 * deviation, rel=0.05)


def test_few_matured_returners_tell_nothing():
    cells = cells_of([0.2, 0.8], [6, 9], [4, 1])
    early = estimated(cells, returns_of([29], [15]), calibration_error=0.0, seed=1)
    assert early.estimates == {}
    assert early.reason == "fewer than 30 matured returners in a band"


def test_returners_against_the_probabilities_tell_nothing():
    # The customers with p = .8 return as often as those with p = .2 should.
    cells = cells_of([0.2, 0.8], [90, 60], [10, 40])
    early = estimated(cells, returns_of([1000], [500]), calibration_error=0.0, seed=1)
    assert early.estimates == {}
    assert early.reason == (
        "the customers who returned so far contradict the model's probabilities"
    )


def test_the_contradiction_by_hand():
    # Expected 40 and 10 with variances 100 * .4 * .6 = 24 and 100 * .1 * .9 = 9; observed 46 and 10.
    # 6^2 / 24 = 1.5 with two degrees of freedom: exp(-1.5 / 2). S(d) is known from 10^12 returners.
    cells = cells_of([0.2, 0.8], [54, 90], [46, 10])
    p_value = contradiction_p_value(cells, returns_of([1e12], [5e11]), 0.0)
    assert p_value == pytest.approx(np.exp(-0.75), rel=1e-6)


def test_an_uncertain_calibration_explains_a_common_offset():
    cells = cells_of([0.5], [700], [300])  # expected 250
    returns = returns_of([1e9], [5e8])
    assert contradiction_p_value(cells, returns, 0.0) < 0.001
    assert contradiction_p_value(cells, returns, 0.5) > 0.1


def test_without_customers_nothing_is_told():
    early = estimated(cells_of([], [], []), returns_of([99], [50]), calibration_error=0.0, seed=1)
    assert early.estimates == {}


def test_the_realised_churn_rate_has_a_binomial_interval():
    # 4,000 of 10,000: 1.96 * sqrt(.4 * .6 / 10,000) = .0096
    cells = [np.array(v, float) for v in ([0.2, 0.8], [1000, 3000], [4000, 2000])]
    rate = realised(*cells, seed=1, draws=4000)["churn_rate"]
    assert rate.value == 0.4
    assert rate.high - rate.low == pytest.approx(2 * 0.0096, rel=0.05)


def test_without_churned_customers_nothing_is_realised():
    assert realised(np.array([0.2]), np.array([0.0]), np.array([9.0]), seed=1) == {}


@pytest.mark.parametrize(
    ("metric", "low", "high", "expected"),
    [
        ("roc_auc", 0.76, 0.80, "fine"),  # .8 * .95 = .76
        ("roc_auc", 0.75, 0.759, "fallen"),
        ("roc_auc", 0.75, 0.77, "cannot be told: the interval contains the threshold"),
        ("brier", 0.80, 0.84, "fine"),  # .8 * 1.05 = .84
        ("brier", 0.85, 0.86, "fallen"),
        ("churn_rate", 0.0, 1.0, "not judged"),
    ],
)
def test_verdicts_against_a_reference_of_80_percent(metric, low, high, expected):
    assert verdict(metric, Estimate((low + high) / 2, low, high), 0.8, fall=0.05) == expected


def test_without_a_reference_nothing_is_judged():
    told = verdict("roc_auc", Estimate(0.8, 0.7, 0.9), None, fall=0.05)
    assert told == "cannot be told: no value of the training run is known"


def test_a_band_with_few_returners_takes_those_of_its_recency():
    returners, later = np.array([[29.0, 30.0], [100.0, 200.0]]), np.array([[9.0, 3.0], [1.0, 2.0]])
    pooled = Returns.pooled(returners, later)
    assert pooled.returners.tolist() == [59, 30, 100, 200]
    assert pooled.later.tolist() == [12, 3, 1, 2]
