"""Cross-fitting: no row is scored by a model that was fitted on it. Weights of the X-learner.

The boosting of these tests predicts the mean label of the rows that it was fitted on. The expected
numbers therefore show which rows a fit used.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from models.uplift import propensity
from models.uplift.boosting import LocalBoosting
from models.uplift.learners import UpliftModel, doubly_robust, fit


class Means(LocalBoosting):
    """Predicts the mean label of the fitted rows (not 0 or 1). Records the rows of regressors."""

    def __init__(self):
        super().__init__({}, 1)
        object.__setattr__(self, "regressors", [])

    def classifier(self, rows, names, label):
        return constant(logit(rows[label].mean()))

    def regressor(self, rows, names, target):
        self.regressors.append(rows)
        return constant(rows[target].mean())


def constant(score):
    return SimpleNamespace(predict=lambda matrix: np.full(len(matrix), score))


def cells(*sizes):
    """Rows from (fold, arm, rows, churned) with the feature x, which is 0."""
    frames = [
        pd.DataFrame({"fold": float(fold), "arm": float(arm), "churned": np.arange(rows) < churned})
        for fold, arm, rows, churned in sizes
    ]
    return pd.concat(frames, ignore_index=True).assign(
        x=0.0, churned=lambda rows: rows["churned"].astype(float)
    )


def test_doubly_robust_risks_of_a_fold_come_from_a_fit_on_the_other_fold():
    """Churn rates by fold (rows) and arm (columns): (1/2, 1/4) and (3/4, 2/5)."""
    rows = cells((0, 0, 4, 2), (0, 1, 8, 2), (1, 0, 8, 6), (1, 1, 5, 2)).assign(e_0=0.2, e_1=0.8)
    ((arm, scored),) = doubly_robust(rows, ["x"], 1, boosting=Means())
    assert arm == 1
    rates_of_other_fold = {0.0: (3 / 4, 2 / 5), 1.0: (1 / 2, 1 / 4)}
    for row in scored.to_dict("records"):
        held_out, treated = rates_of_other_fold[row["fold"]]
        correction = (
            (row["churned"] - held_out) / 0.2
            if row["arm"] == 0
            else -(row["churned"] - treated) / 0.8
        )
        assert row["fall"] == pytest.approx(held_out - treated + correction)


def test_doubly_robust_does_not_overfit_with_a_learner_that_memorises():
    """The learner predicts the label of a row that it was fitted on, and 1/2 for other rows.

    Scored on its own rows it would leave no residuals. Scored on the other fold, each risk is 1/2:
    a held-out customer (chance 1/4) has the pseudo-outcome (1 - 1/2) / (1/4) = 2 after churning and
    -2 after staying; a treated customer (chance 3/4) has -2/3 and 2/3.
    """

    class Memory(LocalBoosting):
        def classifier(self, rows, names, label):
            known = dict(zip(rows["x"].astype(np.float32), rows[label], strict=True))
            return SimpleNamespace(
                predict=lambda matrix: np.array(
                    [20.0 * (2 * known[x] - 1) if x in known else 0.0 for x in matrix[:, 0]]
                )
            )

    draw = np.random.default_rng(1)
    rows = pd.DataFrame(
        {
            "x": np.arange(80.0),
            "fold": draw.permutation(np.arange(80) % 2).astype(float),
            "arm": draw.permutation(np.arange(80) % 4 > 0).astype(float),
            "churned": draw.integers(0, 2, 80).astype(float),
        }
    ).assign(e_0=0.25, e_1=0.75)
    ((_, scored),) = doubly_robust(rows, ["x"], 1, boosting=Memory({}, 1))
    size = np.where(rows["arm"] == 0, 2.0, -2 / 3)
    assert scored["fall"].to_numpy() == pytest.approx(size * (2 * rows["churned"] - 1))


def test_shifts_use_risks_from_a_fit_on_the_other_fold():
    """Churn rates are 6/24 = 1/4 in fold 0 and 9/12 = 3/4 in fold 1.

    Of the held-out, 6 of 8 churned in fold 0 and 1 of 4 in fold 1. The rates of the other fold
    predict 8 * 3/4 + 4 * 1/4 = 7, so the shift of the held-out is 0. The rates of the same fold
    would predict 8 * 1/4 + 4 * 3/4 = 5, and the rate of all rows 12 * 15/36 = 5. Of the treated,
    16 * 3/4 + 8 * 1/4 = 14 are predicted and 8 churned.
    """
    rows = cells((0, 0, 8, 6), (0, 1, 16, 0), (1, 0, 4, 1), (1, 1, 8, 8))
    model = fit("shift_learner", rows, ["x"], arms=["one"], shares=(1 / 3, 2 / 3), boosting=Means())
    # log(3) is rounded to 1.10, which moves the shift by less than 0.001.
    assert model.shifts[0] == pytest.approx(0.0, abs=0.001)
    # Newton's equation: predicted less churned, plus the shift as its prior.
    shift = model.shifts[1]
    expected = 16 * expit(1.10 + shift) + 8 * expit(-1.10 + shift)
    assert expected - 8 + shift == pytest.approx(0.0, abs=1e-9)


def test_propensities_of_a_fold_come_from_a_fit_on_the_other_fold():
    """In fold 0 the customers with x = 1 were treated, in fold 1 those with x = -1."""
    x = np.tile([1.0, -1.0], 100)
    fold = np.repeat([0.0, 1.0], 100)
    treated = ((x > 0) == (fold == 0)).astype(float)
    p = propensity.propensities(x[:, None], treated, fold)
    # In the other fold, x has the opposite effect.
    assert p[treated == 1].max() < 0.1
    assert p[treated == 0].min() > 0.9


def test_a_fold_in_which_all_were_treated_gives_the_other_fold_propensity_1():
    """All of fold 1 and half of fold 0 were treated, independently of x."""
    x = np.tile([1.0, 1.0, -1.0, -1.0], 10)
    fold = np.repeat([0.0, 1.0], 20)
    treated = np.where(fold == 1, 1.0, np.tile([1.0, 0.0], 20))
    p = propensity.propensities(x[:, None], treated, fold)
    assert p[fold == 0].tolist() == [1.0] * 20
    assert p[fold == 1] == pytest.approx(np.full(20, 0.5))


def test_the_x_learner_weighs_its_two_effects_by_the_propensity_of_the_arm():
    """Kunzel et al. 2019: g * (effect fitted on the held-out) + (1 - g) * (effect fitted on the arm).

    g is the share of the arm among the arm and the held-out: the effect fitted on the held-out uses
    the risk model of the treated, which is the better one where many were treated. With the shares
    .1 (held out), .3 and .6, g is .3 / .4 and .6 / .7.
    """
    # down: fitted on the held-out; up: fitted on the arm.
    scores = {"down_1": 0.4, "up_1": 0.2, "down_2": 0.9, "up_2": 0.2}
    trees = {name: constant(score) for name, score in scores.items()}
    model = UpliftModel("x_learner", ("one", "two"), trees, (0.1, 0.3, 0.6))
    effects = model.effects(np.zeros((2, 1), dtype=np.float32))
    expected = [0.75 * 0.4 + 0.25 * 0.2, 6 / 7 * 0.9 + 1 / 7 * 0.2]
    assert effects == pytest.approx(np.array([expected] * 2))


def test_the_x_learner_compares_each_side_with_the_risk_of_the_other_side():
    """Churn rates: 3/4 of the held-out, 1/4 of arm 1 and 1/2 of arm 2."""
    boosting = Means()
    rows = cells((0, 0, 4, 3), (0, 1, 8, 2), (0, 2, 2, 1))
    model = fit(
        "x_learner",
        rows,
        ["x"],
        arms=["one", "two"],
        shares=(2 / 7, 4 / 7, 1 / 7),
        boosting=boosting,
    )
    assert [set(fitted["arm"]) for fitted in boosting.regressors] == [{1.0}, {0.0}, {2.0}, {0.0}]
    falls = [fitted["fall"] + fitted["churned"] for fitted in boosting.regressors[::2]]
    assert all(fall.to_numpy() == pytest.approx(3 / 4) for fall in falls)
    falls = [fitted["churned"] - fitted["fall"] for fitted in boosting.regressors[1::2]]
    assert falls[0].to_numpy() == pytest.approx(1 / 4)
    assert falls[1].to_numpy() == pytest.approx(1 / 2)
    effects = model.effects(np.zeros((1, 1), dtype=np.float32))
    assert effects == pytest.approx(np.array([[1 / 2, 1 / 4]]))
