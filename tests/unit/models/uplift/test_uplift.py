"""Uplift learners on trials whose effects are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.uplift.boosting import ensemble_of, probability
from models.uplift.learners import LEARNERS, UpliftModel, fit
from tests.unit.models.uplift.trials import ARMS, BOOSTED, NAMES, SHARES, trial


# The shift learner says one shift for all: whom an arm harms it cannot tell.
@pytest.mark.parametrize("learner", [name for name in LEARNERS if name != "shift_learner"])
def test_a_learner_finds_whom_an_arm_helps_and_whom_it_harms(learner):
    rows, _ = trial(12_000, lambda x: 0.3 * x[:, 0])
    model = fit(learner, rows, NAMES, ARMS, SHARES, BOOSTED)
    fresh, truth = trial(4_000, lambda x: 0.3 * x[:, 0], seed=2)
    found = model.effects(fresh[NAMES].to_numpy(np.float32))
    assert found.shape == (4_000, 2)
    assert np.corrcoef(found[:, 0], truth[:, 0])[0, 1] > 0.85
    # Arm 2 does nothing: its mean effect is zero within a few standard errors of 0.011.
    assert abs(found[:, 1].mean()) < 4 * 0.011


def test_an_arm_is_learned_from_those_who_could_have_been_sent_it():
    """Half of the rows are of a plan that chose arm 1, or nothing, for those with a high x0, whose
    held-out tenth all leave: of arm 2, which does nothing, they say nothing."""
    rows, _ = trial(12_000, lambda x: 0.3 * x[:, 0])
    planned = rows[(rows["x0"] > 0) & (rows["arm"] < 2)].assign(e_0=0.1, e_1=0.9, e_2=0.0)
    planned["arm"] = (np.arange(len(planned)) % 10 > 0).astype(float)
    planned["churned"] = (planned["arm"] == 0).astype(float)
    both = pd.concat([rows, planned], ignore_index=True)
    model = fit("dr_learner", both, NAMES, ARMS, SHARES, BOOSTED)
    fresh, _ = trial(4_000, lambda x: 0.3 * x[:, 0], seed=2)
    found = model.effects(fresh[NAMES].to_numpy(np.float32)).mean(axis=0)
    assert np.isfinite(found).all()
    # 4,000 rows an arm: a standard error of 0.011. Arm 1 gains on the half whom the plan chose.
    assert abs(found[1]) < 4 * 0.011
    assert found[0] > 0.1


def test_a_shift_of_the_log_odds_is_found_from_few_rows():
    """Risk between .1 and .9 by x1; arm 1 takes 1 from its log-odds, arm 2 nothing."""
    draw = np.random.default_rng(8)
    rows, _ = trial(6_000, lambda x: np.zeros(len(x)))
    log_odds = 2.2 * rows["x1"]
    risk = 1 / (1 + np.exp(-(log_odds - (rows["arm"] == 1))))
    rows = rows.assign(churned=(draw.random(len(rows)) < risk).astype(float))
    model = fit("shift_learner", rows, NAMES, ARMS, SHARES, BOOSTED)
    # 2,000 rows an arm of variance about .18: a standard error of 1 / sqrt(360) = .053 each.
    assert model.shifts[1] - model.shifts[0] == pytest.approx(-1, abs=4 * 0.053 * 2**0.5)
    assert model.shifts[2] - model.shifts[0] == pytest.approx(0, abs=4 * 0.053 * 2**0.5)
    x = np.array([[0, -1, 0], [0, 0, 0], [0, 1, 0]], dtype=np.float32)
    low, middle, high = model.effects(x)[:, 0]
    # Without: .10, .5, .90; with: .04, .27, .77.
    # The shift that was found above has an error of its own; it is given here. The log-odds at
    # x1 = 0 rest on about 600 rows: a standard error of 2 / sqrt(600) = .08. It changes the effect
    # by its slope there, .5 * .5 - .27 * .73 = .053, per unit.
    risk_with = 1 / (1 + np.exp(model.shifts[0] - model.shifts[1]))
    assert middle == pytest.approx(0.5 - risk_with, abs=4 * 0.08 * 0.053)
    assert middle > high > low > 0


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_model_survives_json(learner):
    import json

    rows, _ = trial(1_500, lambda x: 0.3 * x[:, 0])
    model = fit(learner, rows, NAMES, ARMS, SHARES, BOOSTED)
    again = UpliftModel.from_dict(json.loads(json.dumps(model.to_dict())))
    matrix = rows[NAMES].to_numpy(np.float32)
    np.testing.assert_array_equal(model.effects(matrix), again.effects(matrix))


def test_a_regression_booster_gives_the_same_numbers_as_its_library():
    import xgboost

    draw = np.random.default_rng(1)
    x = draw.normal(size=(500, 3)).astype(np.float32)
    y = 7 + x[:, 0] * 3
    booster = xgboost.train({"objective": "reg:squarederror"}, xgboost.DMatrix(x, y), 20)
    expected = booster.predict(xgboost.DMatrix(x))
    np.testing.assert_allclose(ensemble_of(booster).predict(x), expected, atol=1e-4)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_an_arm_of_which_nobody_or_everybody_left_has_that_risk(label):
    rows = pd.DataFrame({"x0": np.linspace(0, 1, 40), "churned": label})
    trees = BOOSTED.classifier(rows, ["x0"], "churned")
    found = probability(trees, rows[["x0"]].to_numpy(np.float32))
    assert found == pytest.approx(np.full(40, label))
