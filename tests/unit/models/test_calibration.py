"""Calibration against hand calculations and scikit-learn, and the choice of the kind."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from contracts.wording import plural
from models.calibration import (
    Calibration,
    CalibrationError,
    best_by_brier,
    out_of_fold,
    to_log_odds,
)

KINDS = ("identity", "platt", "isotonic")


def customers(rows, distort, seed=0):
    """Distorted raw scores, and labels drawn from the true log-odds."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(scale=1.5, size=rows)
    label = (rng.random(rows) < expit(log_odds)).astype(int)
    return distort(log_odds), label, [f"customer {k}" for k in range(rows)]


def stepped(log_odds):
    """A distortion with a step at 0, as of a learner that mostly separates two groups."""
    return 4.0 * (log_odds > 0) + log_odds**3 / 3


# --- each kind by hand ---------------------------------------------------------------------------


def test_identity_takes_the_raw_score_for_log_odds():
    # Odds of 3 to 1 are a probability of 3/4.
    assert Calibration().apply([0.0, math.log(3)]) == pytest.approx([1 / 2, 3 / 4])


def test_platt_meets_the_smoothed_rates_of_two_scores():
    # With score 0 one of four left, with score 1 three of four. Platt's targets for 4 positives and
    # 4 negatives are 5/6 and 1/6. The expected rates are (5/6 + 3 * 1/6) / 4 = 1/3 and 2/3, with
    # log-odds -log 2 and log 2.
    raw = [0, 0, 0, 0, 1, 1, 1, 1]
    label = [1, 0, 0, 0, 1, 1, 1, 0]
    fitted = Calibration.fit(raw, label, "platt")
    assert fitted.intercept == pytest.approx(-math.log(2), abs=1e-5)
    assert fitted.slope == pytest.approx(2 * math.log(2), abs=1e-5)
    assert fitted.apply([0.0, 1.0]) == pytest.approx([1 / 3, 2 / 3], abs=1e-6)


def test_platt_stays_finite_when_the_scores_separate_the_classes():
    # The targets for two of each class are 3/4 and 1/4. With targets 1 and 0 the slope would be
    # infinite.
    fitted = Calibration.fit([0, 0, 1, 1], [0, 0, 1, 1], "platt")
    assert fitted.apply([0.0, 1.0]) == pytest.approx([1 / 4, 3 / 4], abs=1e-5)


def test_isotonic_pools_violators_and_joins_the_knots():
    fitted = Calibration.fit([1, 2, 3, 4], [0, 1, 0, 1], "isotonic")
    # The labels 1 and 0 at scores 2 and 3 are pooled to (1 + 0) / 2. Half-way from 1/2 to 1 is 3/4.
    # The curve is constant beyond the first and the last knot.
    assert fitted.apply([2.0, 2.5, 3.0, 3.5]) == pytest.approx([1 / 2, 1 / 2, 1 / 2, 3 / 4])
    assert fitted.apply([0.0, 1.0, 4.0, 9.0]).tolist() == [1e-6, 1e-6, 1 - 1e-6, 1 - 1e-6]


def test_isotonic_is_that_of_scikit_learn():
    raw, label, _ = customers(500, stepped)
    oracle = IsotonicRegression(out_of_bounds="clip").fit(raw, label)
    between = np.linspace(raw.min() - 1, raw.max() + 1, 999)
    expected = np.clip(oracle.predict(between), 1e-6, 1 - 1e-6)
    assert Calibration.fit(raw, label, "isotonic").apply(between) == pytest.approx(expected)


def test_out_of_fold_no_row_tells_its_own_probability():
    """Customers a and d are in different folds (sha256 of the name, modulo 5: 0 and 4). Each one is
    calibrated on the other only."""
    raw, groups = [0, 0, 0, 0, 0, 0], ["a", "a", "a", "d", "d", "d"]
    label = [1, 0, 0, 1, 1, 0]
    probability = out_of_fold(raw, label, groups, kind="isotonic")
    # One of three rows of a left, and two of three rows of d.
    assert probability == pytest.approx([2 / 3] * 3 + [1 / 3] * 3)
    assert out_of_fold(raw, label, groups, kind="identity").tolist() == [0.5] * 6


# --- properties ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None)
@given(scores=st.lists(st.floats(-800, 800), min_size=2, max_size=30))
def test_probabilities_rise_with_the_score_and_none_is_certain(kind, scores):
    raw, label, _ = customers(300, lambda z: 2 * z)
    probability = Calibration.fit(raw, label, kind).apply(np.sort(scores))
    assert (np.diff(probability) >= 0).all()
    assert probability.min() >= 1e-6
    assert probability.max() <= 1 - 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_score_gets_what_it_gets_among_others(kind):
    raw, label, _ = customers(300, stepped)
    fitted = Calibration.fit(raw, label, kind)
    assert [float(fitted.apply(score)) for score in raw] == fitted.apply(raw).tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_json_gives_the_calibration_back(kind):
    raw, label, _ = customers(300, stepped)
    fitted = Calibration.fit(raw, label, kind)
    assert Calibration.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted


def test_a_missing_score_has_no_probability():
    assert np.isnan(Calibration().apply([math.nan])).all()


def test_log_odds_of_a_probability_lead_back_to_it():
    assert Calibration().apply(to_log_odds([0.2, 0.9])) == pytest.approx([0.2, 0.9])
    assert to_log_odds([0.75]) == pytest.approx([math.log(3)])
    assert Calibration().apply(to_log_odds([0.0, 1.0])) == pytest.approx([1e-6, 1 - 1e-6])


# --- the choice ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distort", "kind"),
    [
        (lambda z: z, "identity"),  # already calibrated
        (lambda z: 3 * z, "platt"),  # over-confident: a linear function of the log-odds fixes it
        (stepped, "isotonic"),  # no linear function fixes it
    ],
)
def test_the_simplest_kind_that_calibrates_the_scores_is_chosen(distort, kind):
    raw, label, customer = customers(5000, distort)
    chosen = best_by_brier(raw, label, customer)
    assert chosen == Calibration.fit(raw, label, kind)


@pytest.mark.parametrize(("rows", "seed"), [(300, 3), (300, 9), (1000, 8)])
def test_a_gain_within_its_noise_is_not_taken(rows, seed):
    # The raw scores are the true log-odds. In these three samples platt, isotonic and isotonic have
    # a lower cross-validated Brier score by chance, by less than one standard error.
    raw, label, customer = customers(rows, lambda z: z, seed)
    assert best_by_brier(raw, label, customer) == Calibration()


def test_an_over_confident_score_is_brought_back():
    # The scores are three times the true log-odds, so the slope is near 1/3 and the intercept near
    # 0.
    raw, label, customer = customers(20000, lambda z: 3 * z)
    chosen = best_by_brier(raw, label, customer)
    assert chosen.slope == pytest.approx(1 / 3, abs=0.02)
    assert chosen.intercept == pytest.approx(0.0, abs=0.05)


def test_the_choice_does_not_depend_on_the_order_of_rows():
    raw, label, customer = customers(1000, lambda z: 1.5 * z)
    backwards = best_by_brier(raw[::-1], label[::-1], customer[::-1])
    chosen = best_by_brier(raw, label, customer)
    assert backwards.kind == chosen.kind
    assert backwards.slope == pytest.approx(chosen.slope, rel=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_rows_that_repeat_their_customer_are_no_new_evidence(seed):
    raw, label, customer = customers(300, lambda z: 1.25 * z, seed)
    once = best_by_brier(raw, label, customer)
    ten_times = best_by_brier(*(np.repeat(part, 10) for part in (raw, label, customer)))
    assert ten_times.kind == once.kind


@pytest.mark.parametrize("rare", [0, 1])
def test_a_class_that_stands_in_one_fold_alone_leaves_the_scores_as_they_are(rare):
    # One row has the rare class. The four folds without this row hold one class only.
    label = np.full(50, 1 - rare)
    label[7] = rare
    customer = [f"customer {k}" for k in range(50)]
    assert best_by_brier(np.linspace(-3, 3, 50), label, customer) == Calibration()
    # Two rows of the same customer are in the same fold.
    label[8], customer[8] = rare, customer[7]
    assert best_by_brier(np.linspace(-3, 3, 50), label, customer) == Calibration()


def test_a_single_group_has_no_other_to_be_judged_on():
    assert best_by_brier([0.1, 0.2], [0, 1], ["customer 1"] * 2) == Calibration()


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_one_class_teaches_nothing(kind):
    with pytest.raises(CalibrationError) as error:
        Calibration.fit([0.1, 0.2], [1, 1], kind)
    assert str(error.value) == (
        "label: must contain both 0 and 1 and no other value, got [1.0]. "
        "Calibrate on a period in which some customers left and some stayed."
    )


@pytest.mark.parametrize("raw", [[0.1], [0.1, math.nan], [0.1, math.inf]])
def test_a_label_without_a_finite_score_is_refused(raw):
    with pytest.raises(CalibrationError) as error:
        Calibration.fit(raw, [0, 1], "platt")
    assert str(error.value) == (
        f"raw: must be one finite score per label, got {plural(len(raw), 'score')} and 2 labels. "
        "Score exactly the labelled rows."
    )


def test_an_unknown_kind_is_refused():
    with pytest.raises(CalibrationError) as error:
        Calibration.fit([0.1, 0.2], [0, 1], "beta")
    assert str(error.value) == (
        "kind: must be one of identity, platt, isotonic, got 'beta'. Choose one of them."
    )


@pytest.mark.parametrize(
    ("kind", "x", "y"),
    [
        ("isotonic", (), ()),
        ("isotonic", (0.0, 1.0), (0.5,)),
        ("isotonic", (1.0, 0.0), (0.1, 0.2)),
        ("isotonic", (0.0, 1.0), (0.2, 0.1)),
        ("platt", (0.0,), (0.5,)),
    ],
)
def test_knots_that_are_no_curve_are_refused(kind, x, y):
    with pytest.raises(CalibrationError, match=f"got {len(x)} x and {len(y)} y"):
        Calibration(kind, x, y)


def test_each_row_needs_its_group():
    with pytest.raises(CalibrationError) as error:
        best_by_brier([0.1, 0.2], [0, 1], ["customer 1"])
    assert str(error.value) == (
        "groups: must have one entry per row (2 rows), got 1. Pass the customer id of each row."
    )


def test_equal_scores_are_calibrated_to_the_share_of_churned_customers():
    # Platt's targets of 3 churned and 1 staying customer: 3 x 4/5 + 1/3 = 41/15, over 4 customers.
    curve = Calibration.fit([2.0] * 4, [1, 1, 1, 0], "platt")
    assert curve.apply([2.0]) == pytest.approx([41 / 60])
