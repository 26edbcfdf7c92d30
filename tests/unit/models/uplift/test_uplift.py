"""Uplift learners on simulated trials with known effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.uplift.boosting import ensemble_of, probability
from models.uplift.learners import LEARNERS, UpliftModel, fit
from tests.unit.models.uplift.trials import ARMS, BOOSTED, NAMES, SHARES, trial


# The shift learner fits one shift for all customers, so it cannot detect effects of both signs.
@pytest.mark.parametrize("learner", [name for name in LEARNERS if name != "shift_learner"])
def test_a_learner_finds_positive_and_negative_effects(learner):
    rows, _ = trial(12_000, lambda x: 0.3 * x[:, 0])
    model = fit(learner, rows, NAMES, arms=ARMS, shares=SHARES, boosting=BOOSTED)
    fresh, truth = trial(4_000, lambda x: 0.3 * x[:, 0], seed=2)
    effects = model.effects(fresh[NAMES].to_numpy(np.float32))
    assert effects.shape == (4_000, 2)
    assert np.corrcoef(effects[:, 0], truth[:, 0])[0, 1] > 0.85
    # Arm 2 has no effect. Its mean effect is within four standard errors of 0.011.
    assert abs(effects[:, 1].mean()) < 4 * 0.011


def test_an_arm_is_learned_from_those_who_could_have_been_sent_it():
    """A part of the rows is from a plan that sent arm 1 to 90 % of customers with a high x0. All of
    its control customers leave. These rows have no information on arm 2, which has no effect."""
    rows, _ = trial(12_000, lambda x: 0.3 * x[:, 0])
    planned = rows[(rows["x0"] > 0) & (rows["arm"] < 2)].assign(e_0=0.1, e_1=0.9, e_2=0.0)
    planned["arm"] = (np.arange(len(planned)) % 10 > 0).astype(float)
    planned["churned"] = (planned["arm"] == 0).astype(float)
    both = pd.concat([rows, planned], ignore_index=True)
    model = fit("dr_learner", both, NAMES, arms=ARMS, shares=SHARES, boosting=BOOSTED)
    fresh, _ = trial(4_000, lambda x: 0.3 * x[:, 0], seed=2)
    effects = model.effects(fresh[NAMES].to_numpy(np.float32)).mean(axis=0)
    assert np.isfinite(effects).all()
    # 4,000 rows per arm: a standard error of 0.011. Arm 1 gains on the half that the plan targeted.
    assert abs(effects[1]) < 4 * 0.011
    assert effects[0] > 0.1


def test_a_shift_of_the_log_odds_is_found_from_few_rows():
    """The risk depends on x1 and lies in .1 to .9. Arm 1 shifts its log-odds by -1, arm 2 by 0."""
    draw = np.random.default_rng(8)
    rows, _ = trial(6_000, lambda x: np.zeros(len(x)))
    log_odds = 2.2 * rows["x1"]
    risk = 1 / (1 + np.exp(-(log_odds - (rows["arm"] == 1))))
    rows = rows.assign(churned=(draw.random(len(rows)) < risk).astype(float))
    model = fit("shift_learner", rows, NAMES, arms=ARMS, shares=SHARES, boosting=BOOSTED)
    # 2,000 rows per arm with variance of about .18: a standard error of 1 / sqrt(360) = .053 each.
    assert model.shifts[1] - model.shifts[0] == pytest.approx(-1, abs=4 * 0.053 * 2**0.5)
    assert model.shifts[2] - model.shifts[0] == pytest.approx(0, abs=4 * 0.053 * 2**0.5)
    x = np.array([[0, -1, 0], [0, 0, 0], [0, 1, 0]], dtype=np.float32)
    low, middle, high = model.effects(x)[:, 0]
    # Risks without the offer are .10, .5, .90, and with it .04, .27, .77.
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
    model = fit(learner, rows, NAMES, arms=ARMS, shares=SHARES, boosting=BOOSTED)
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
    risk = probability(trees, rows[["x0"]].to_numpy(np.float32))
    assert risk == pytest.approx(np.full(40, label))
