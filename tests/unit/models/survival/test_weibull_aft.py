"""Weibull AFT: figures of flexsurv on Rossi, lifelines with ages at entry, hand calculations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from models.survival.rows import ArrayRows, SurvivalError
from models.survival.weibull_aft import WeibullModel, fit_weibull

ROSSI = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
COLUMNS = ["x0", "x1", "x2"]


def sample_rows(frame, *used, parts=1):
    more = {name: frame[name] for name in used if name in ("start", "weight")}
    if "customer" in used:
        more["cluster"] = frame["customer"]
    return ArrayRows.of(frame["stop"], frame["event"], frame[COLUMNS], parts=parts, **more)


def test_rossi_has_the_figures_of_flexsurv(rossi):
    model = fit_weibull(ArrayRows.of(rossi["week"], rossi["arrest"], rossi[ROSSI]), ROSSI)
    published = [0.27230591, 0.04072758, -0.22480808, 0.10664712, 0.31095531, 0.05883352]
    published += [-0.06580211, 3.98968559, 0.33911900]
    assert list(model.parameters.values()) == pytest.approx(published, abs=1e-3)
    assert model.log_likelihood == pytest.approx(-679.9166, abs=1e-4)


@pytest.mark.parametrize("used", [(), ("start",), ("weight",), ("start", "weight")], ids=str)
def test_estimates_and_errors_are_those_of_lifelines(sample, used):
    from lifelines import WeibullAFTFitter

    frame = sample()
    given = {"start": "entry_col", "weight": "weights_col"}
    other = WeibullAFTFitter().fit(
        frame[[*COLUMNS, "stop", "event", *used]],
        "stop",
        "event",
        **{given[name]: name for name in used},
    )
    model = fit_weibull(sample_rows(frame, *used), COLUMNS)
    names = [("lambda_", name) for name in [*COLUMNS, "Intercept"]] + [("rho_", "Intercept")]
    estimates = other.params_.loc[names].to_numpy()
    assert list(model.parameters.values()) == pytest.approx(estimates, abs=2e-4)
    assert model.std_errors == pytest.approx(other.standard_errors_.loc[names], rel=1e-3)
    # Our maximum is not below the maximum of lifelines.
    assert model.log_likelihood >= other.log_likelihood_ - 1e-6
    assert model.log_likelihood == pytest.approx(other.log_likelihood_, abs=1e-4)


def test_the_gradient_is_0_at_the_estimate(sample):
    """Score equations by numerical differences of the likelihood, which is written out here."""
    frame = sample(80)
    model = fit_weibull(sample_rows(frame, "start", "weight"), COLUMNS)

    def likelihood(parameters):
        *b, intercept, log_shape = parameters
        scale, k = np.exp(intercept + frame[COLUMNS] @ np.array(b)), math.exp(log_shape)
        log_hazard = np.log(k / scale) + (k - 1) * np.log(frame["stop"] / scale)
        gone = (frame["stop"] / scale) ** k - (frame["start"] / scale) ** k
        return float(frame["weight"] @ (frame["event"] * log_hazard - gone))

    best = np.array(list(model.parameters.values()))
    assert likelihood(best) == pytest.approx(model.log_likelihood, abs=1e-9)
    for k in range(len(best)):
        step = np.eye(len(best))[k] * 1e-5
        assert abs(likelihood(best + step) - likelihood(best - step)) / 2e-5 < 1e-3


def test_robust_errors_equal_numerical_differences_of_the_estimate(sample):
    frame = sample(60)
    used = ("start", "weight")
    model = fit_weibull(sample_rows(frame, *used), COLUMNS)
    little, moved = 1e-4, []
    for row in range(len(frame)):
        ends = []
        for sign in (1, -1):
            weight = frame["weight"].copy()
            weight.iloc[row] += sign * little
            changed = fit_weibull(sample_rows(frame.assign(weight=weight), *used), COLUMNS)
            ends.append(np.array(list(changed.parameters.values())))
        moved.append((ends[0] - ends[1]) / (2 * little) * frame["weight"].iloc[row])
    assert model.robust_covariance == pytest.approx(
        np.array(moved).T @ np.array(moved), rel=1e-4, abs=1e-7
    )


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31), parts=st.integers(2, 7))
def test_order_and_partitions_do_not_matter(sample, seed, parts):
    frame = sample(200)
    used = ("start", "weight", "customer")
    ordered = fit_weibull(sample_rows(frame, *used), COLUMNS)
    shuffled = frame.sample(frac=1, random_state=seed)
    other = fit_weibull(sample_rows(shuffled, *used, parts=parts), COLUMNS)
    assert list(other.parameters.values()) == pytest.approx(
        list(ordered.parameters.values()), abs=1e-9
    )
    assert other.robust_covariance == pytest.approx(ordered.robust_covariance, abs=1e-9)


def test_days_and_weeks_differ_only_in_the_intercept(sample):
    frame = sample()
    days = frame.assign(stop=frame["stop"] * 7, start=frame["start"] * 7)
    in_weeks = fit_weibull(sample_rows(frame, "start"), COLUMNS)
    other = fit_weibull(sample_rows(days, "start"), COLUMNS)
    assert other.coefficients == pytest.approx(in_weeks.coefficients, abs=1e-8)
    assert other.log_shape == pytest.approx(in_weeks.log_shape, abs=1e-8)
    assert other.intercept == pytest.approx(in_weeks.intercept + math.log(7), abs=1e-8)


def test_conditional_survival_on_paper():
    # shape 2, scale 100: H(50) = 1/4, H(100) = 1.
    model = WeibullModel(
        ("x",),
        np.array([math.log(2)]),
        math.log(100),
        math.log(2),
        np.eye(3),
        np.eye(3),
        *(0.0, 2, 1, 300, 1),
    )
    alive = model.conditional_survival(np.array([[0.0]]), np.array([50]), np.array([0, 50]))
    assert alive[0] == pytest.approx([1.0, math.exp(-3 / 4)])
    # x = 1 doubles the scale: H(50) = 1/16, H(100) = 1/4.
    slower = model.conditional_survival(np.array([[1.0]]), np.array([50]), np.array([50]))
    assert slower[0, 0] == pytest.approx(math.exp(-3 / 16))
    newborn = model.conditional_survival(np.array([[0.0]]), np.array([0]), np.array([100]))
    assert newborn[0, 0] == pytest.approx(math.exp(-1))
    assert model.log_risk([[1.0]]) == pytest.approx([-2 * math.log(2)])


def test_a_stored_model_predicts_the_same(sample):
    frame = sample()
    model = fit_weibull(sample_rows(frame), COLUMNS)
    again = WeibullModel.from_dict(model.to_dict())
    given = (frame[COLUMNS].to_numpy(), frame["stop"].to_numpy(), np.array([0, 1, 30, 900]))
    curves = model.conditional_survival(*given)
    assert np.array_equal(curves, again.conditional_survival(*given))
    assert (np.diff(curves, axis=1) <= 0).all()


def test_a_stop_on_day_0_is_refused():
    with pytest.raises(SurvivalError) as error:
        fit_weibull(ArrayRows.of([0, 2, 3], [1, 1, 0], [1, 2, 1]), ["x"])
    assert str(error.value) == (
        "stop: must be at least day 1 for a Weibull model, got weight 1 on day 0. Count the day of "
        "the event as day 1."
    )


@pytest.mark.parametrize(
    ("event", "x", "text"),
    [
        ([0, 0, 0], [1, 2, 4], "weibull_aft: needs rows with an event, got none in 3 rows"),
        ([1, 0, 1], [5, 5, 5], "x: must vary, got 5 in all 3 rows"),
    ],
)
def test_rows_that_cannot_be_fitted_are_refused(event, x, text):
    with pytest.raises(SurvivalError, match=text):
        fit_weibull(ArrayRows.of([2, 3, 4], event, x), ["x"])
