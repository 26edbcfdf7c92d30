"""Uplift metrics by hand and on known effects, and the verdict against the truth."""

from __future__ import annotations

import numpy as np
import pytest

from models.uplift import metrics
from models.uplift.learners import fit
from tests.unit.models.uplift.trials import ARMS, BOOSTED, NAMES, SHARES, ranked, trial, verdict_of


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (lambda x: 0.3 * x[:, 0], "target"),
        (lambda x: np.full(len(x), 0.15), "treat all"),
        (lambda x: np.zeros(len(x)), "treat none"),
    ],
    ids=["heterogeneous", "homogeneous", "none"],
)
def test_the_verdict_falls_as_the_truth_is(effect, expected):
    rows, _ = trial(12_000, effect)
    model = fit("t_learner", rows, NAMES, arms=ARMS, shares=SHARES, boosting=BOOSTED)
    fresh, _ = trial(8_000, effect, seed=5)
    assert verdict_of(fresh, model.effects(fresh[NAMES].to_numpy(np.float32))[:, 0]) == expected


def verdicts(effect, draws):
    """Verdicts on `draws` trials of 3,000 rows, with one model fitted on another trial."""
    rows, _ = trial(6_000, effect)
    model = fit("t_learner", rows, NAMES, arms=ARMS, shares=SHARES, boosting=BOOSTED)
    given = []
    for seed in range(100, 100 + draws):
        fresh, _ = trial(3_000, effect, seed)
        predicted = model.effects(fresh[NAMES].to_numpy(np.float32))[:, 0]
        given.append(verdict_of(fresh, predicted, samples=100))
    return given


def test_of_a_hundred_homogeneous_trials_next_to_none_is_said_to_differ():
    """The model ranks by noise, so Qini is 0. Its interval is above 0 in 2.5 % of trials."""
    given = verdicts(lambda x: np.full(len(x), 0.15), 100)
    # More than 7 of 100 at 2.5 % has a probability of 1 in 200. The effect is .15, its error .022.
    assert given.count("target") <= 7
    assert given.count("treat all") == 100 - given.count("target")


def test_a_heterogeneous_trial_is_never_said_to_be_homogeneous():
    """Qini is .05 with a standard error of about .008."""
    assert verdicts(lambda x: 0.3 * x[:, 0], 50) == ["target"] * 50


def test_qini_by_hand():
    """In descending order: treated stays, control leaves, treated leaves, control stays.

    Curve: 1/2 (1 treated kept, no control yet), (1 - 0)/2, (1 - 0)/2, (1 - 1 * 2/2)/2 = 0. Area of
    trapezoids of width 1/4: (0 + .5)/8 + (.5 + .5)/8 * 2 + (.5 + 0)/8 = .375. The straight line ends
    at 0, so Qini is equal to the area.
    """
    effect = np.array([4.0, 3.0, 2.0, 1.0])
    churned, treated = np.array([0.0, 1, 1, 0]), np.array([1.0, 0, 1, 0])
    curve = metrics.uplift_curve(effect, 1 - churned, treated, weight=np.ones(4))
    assert curve.tolist() == [0.5, 0.5, 0.5, 0.0]
    assert metrics.areas(effect, churned, treated, weight=np.ones(4)) == pytest.approx(
        (0.375, 0.375)
    )


def test_qini_agrees_with_scikit_uplift_on_the_curve():
    sklift = pytest.importorskip("sklift.metrics")
    draw = np.random.default_rng(3)
    effect, churned = draw.normal(size=500), (draw.random(500) < 0.4).astype(float)
    treated = (draw.random(500) < 0.5).astype(float)
    ours = metrics.uplift_curve(effect, 1 - churned, treated, weight=np.ones(500)) * treated.sum()
    _, theirs = sklift.qini_curve(1 - churned, effect, treated)
    # Their curve starts with (0, 0) and has one point per distinct score.
    np.testing.assert_allclose(ours, theirs[1:], atol=1e-9)


def test_weights_count_as_repeated_rows():
    draw = np.random.default_rng(4)
    effect, churned = draw.normal(size=60), (draw.random(60) < 0.5).astype(float)
    treated, times = (draw.random(60) < 0.5).astype(float), draw.integers(0, 3, 60)
    rows = np.repeat(np.arange(60), times)
    repeated = effect[rows], churned[rows], treated[rows]
    once, times = np.ones(len(rows)), times.astype(float)
    # Repeated rows add points to the curve, which changes the areas by less than the width of a row.
    areas, slope = metrics.areas, metrics.calibration_slope
    weighted = effect, churned, treated
    expected = areas(*repeated, weight=once)
    assert areas(*weighted, weight=times) == pytest.approx(expected, abs=0.02)
    assert slope(*weighted, weight=times) == pytest.approx(slope(*repeated, weight=once))


def test_intervals_of_a_ranking_hold_the_truth_as_often_as_they_say():
    """Effect .3 x0 with x0 uniform on (-1, 1). The top share s gains .3 (1 - s) per customer, so the
    curve is .3 (s - s^2) and its area .3 (1/2 - 1/3) = .05. The straight line ends at 0. The slope
    is 1."""
    truth = {"qini": 0.05, "auuc": 0.05, "slope": 1.0}
    held = dict.fromkeys(truth, 0)
    for seed in range(100):
        rows, effects = trial(3_000, lambda x: 0.3 * x[:, 0], seed)
        measured = ranked(rows, effects[:, 0], samples=100)
        for name, value in truth.items():
            estimate = getattr(measured, name)
            assert estimate.low < estimate.value < estimate.high
            held[name] += estimate.low < value < estimate.high
    # Fewer than 88 of 100 at 95 % has a probability of 1 in 200.
    assert min(held.values()) >= 88, held


def test_average_effect_and_calibration():
    """3 of 4 control customers and 1 of 4 treated customers churn: an effect of 0.5."""
    churned = np.array([1.0, 1, 1, 0, 1, 0, 0, 0])
    treated = np.array([0.0, 0, 0, 0, 1, 1, 1, 1])
    assert metrics.average_effect(churned, treated).value == 0.5
    rows, truth = trial(600_000, lambda x: 0.3 * x[:, 0])
    two = rows["arm"].to_numpy() < 2
    values = rows["churned"].to_numpy()[two], rows["arm"].to_numpy()[two]
    once = np.ones(two.sum())
    slope = metrics.calibration_slope(truth[two, 0], *values, weight=once)
    # 400,000 rows of two arms. The outcome weighted to the effect has a variance of 4 * .5 = 2, the
    # effect .3^2 / 3 = .03: a standard error of sqrt(2 / (400,000 * .03)) = .013.
    assert slope == pytest.approx(1.0, abs=4 * 0.013)
    # Predictions that are twice as large have half the slope.
    assert metrics.calibration_slope(2 * truth[two, 0], *values, weight=once) == pytest.approx(
        slope / 2
    )


def test_deciles_fall_with_the_effect():
    rows, truth = trial(60_000, lambda x: 0.3 * x[:, 0])
    two = rows["arm"].to_numpy() < 2
    tenths = metrics.by_decile(
        truth[two, 0], rows["churned"].to_numpy()[two], rows["arm"].to_numpy()[two]
    )
    assert len(tenths) == 10
    for predicted, observed, count in tenths:
        # The standard error of a difference of two shares with about 2,000 rows each.
        assert abs(predicted - observed) < 4 * np.sqrt(0.5 / (count / 2))
