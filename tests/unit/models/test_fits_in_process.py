"""Fits in this process, against scikit-learn and finite differences."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from models.forest import fit_forest
from models.logistic import fit_logistic
from models.matrix_rows import CUSTOMER_HASH, MatrixRows
from models.network import first_weights, fit_network, loss_and_gradient, scorer_of

ROWS, COLUMNS = 500, 4
NETWORK = {"hidden": [6], "maxIter": 60, "patience": 2, "solver": "l-bfgs", "stepSize": 0.1}


@pytest.fixture
def rows():
    draw = np.random.default_rng(5)
    x = draw.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    label = (x[:, 0] + x[:, 1] * (x[:, 2] > 0) + draw.normal(size=ROWS) * 0.5 > 0).astype(int)
    keys = pd.DataFrame(
        {
            "customer_id": [f"c{i:04d}" for i in range(ROWS)],
            "as_of": dt.date(2020, 1, 1),
            "churned": label,
            CUSTOMER_HASH: draw.integers(-(2**62), 2**62, ROWS),
        }
    )
    return MatrixRows(keys, x)


def objective(w, b, x, label, *, lasso, ridge):
    z = x.astype(float) @ w + b
    loss = np.logaddexp(0, (1 - 2 * label) * z).mean()
    return loss + lasso * np.abs(w).sum() + ridge * (w**2).sum() / 2


@pytest.mark.parametrize(("penalty", "share"), [(0.01, 0.0), (0.01, 0.5), (0.05, 1.0)])
def test_the_logistic_regression_equals_that_of_scikit_learn(rows, penalty, share):
    from sklearn.linear_model import LogisticRegression

    label = rows.label("churned")
    lasso, ridge = penalty * share, penalty * (1 - share)
    w, b = fit_logistic(rows.x, label, lasso=lasso, ridge=ridge)
    # scikit-learn minimises C * sum of losses + penalty, so C = 1 / (rows * penalty).
    other = LogisticRegression(
        solver="saga", C=1 / (ROWS * penalty), l1_ratio=share,
        tol=1e-10, max_iter=20_000,
    ).fit(rows.x.astype(float), label)  # fmt: skip
    assert w == pytest.approx(other.coef_[0], abs=1e-5)
    assert b == pytest.approx(other.intercept_[0], abs=1e-5)
    own = objective(w, b, rows.x, label, lasso=lasso, ridge=ridge)
    theirs = objective(other.coef_[0], other.intercept_[0], rows.x, label, lasso=lasso, ridge=ridge)
    assert own <= theirs + 1e-12


def test_a_penalty_above_every_slope_leaves_the_base_rate(rows):
    """At w = 0 the slope of column k is the mean of x_k * (rate - y), below 1 here."""
    label = rows.label("churned")
    w, b = fit_logistic(rows.x, label, lasso=1.0, ridge=0.0)
    assert w.tolist() == [0.0] * COLUMNS
    assert expit(b) == pytest.approx(label.mean())


def test_a_constant_column_has_no_coefficient(rows):
    label = rows.label("churned")
    constant = np.column_stack([rows.x, np.full(ROWS, 7.0, np.float32)])
    w, b = fit_logistic(constant, label, lasso=0.0, ridge=0.0)
    alone, intercept = fit_logistic(rows.x, label, lasso=0.0, ridge=0.0)
    assert w[-1] == 0.0
    assert w[:-1] == pytest.approx(alone, abs=1e-8)
    assert b == pytest.approx(intercept, abs=1e-8)


def test_one_class_has_no_logistic_regression_and_no_forest(rows):
    ones = np.ones(ROWS, dtype=np.int64)
    with pytest.raises(ValueError) as error:
        fit_logistic(rows.x, ones, lasso=0.0, ridge=0.0)
    assert str(error.value) == "label: must have both classes, got only 1. Add rows."
    with pytest.raises(ValueError) as error:
        fit_forest(rows.x, ones, {}, seed=1)
    assert str(error.value) == "label: must have both classes, got 500 rows of one class. Add rows."


def test_the_forest_predicts_what_scikit_learns_does(rows):
    from sklearn.ensemble import RandomForestClassifier

    label = rows.label("churned")
    parameters = {"numTrees": 20, "maxDepth": 6, "minInstancesPerNode": 3, "maxBins": 64}
    mine = fit_forest(rows.x, label, parameters, seed=7)
    other = RandomForestClassifier(
        20, max_depth=6, min_samples_leaf=3, max_features="sqrt", random_state=7
    ).fit(rows.x, label)
    assert mine.predict(rows.x) == pytest.approx(other.predict_proba(rows.x)[:, 1], abs=1e-9)
    assert mine.scale == "mean"
    # 500 drawn rows enter each tree.
    assert mine.cover[mine.tree_start[:-1]].tolist() == [ROWS] * 20


def test_the_gradient_of_the_network_equals_finite_differences(rows):
    layers, step = (COLUMNS, 3, 2, 2), 1e-6
    x, label = rows.x.astype(float)[:50], rows.label("churned")[:50]
    weights = first_weights(layers, 1)
    loss, gradient = loss_and_gradient(weights, layers, x, label=label)
    p = expit(scorer_of(weights, layers).predict(rows.x[:50]))
    assert loss == pytest.approx(-np.log(np.where(label == 1, p, 1 - p)).mean(), abs=1e-6)
    # (4 + 1) * 3 + (3 + 1) * 2 + (2 + 1) * 2 weights and biases
    assert len(weights) == 29
    for k in range(len(weights)):
        moved = step * (np.arange(len(weights)) == k)
        up, _ = loss_and_gradient(weights + moved, layers, x, label=label)
        down, _ = loss_and_gradient(weights - moved, layers, x, label=label)
        assert gradient[k] == pytest.approx((up - down) / (2 * step), abs=1e-7)


@pytest.mark.parametrize("solver", ["l-bfgs", "gd"])
def test_the_network_ranks_far_better_than_chance_and_is_the_same_twice(rows, solver):
    from sklearn.metrics import roc_auc_score

    parameters = {**NETWORK, "solver": solver}
    scores = [fit_network(rows, "churned", parameters, seed=7).predict(rows.x) for _ in range(2)]
    assert (scores[0] == scores[1]).all()
    # The rule without noise has an AUC of about .9. Chance is .5.
    assert roc_auc_score(rows.keys["churned"], scores[0]) > 0.8


def test_the_network_stops_where_held_back_customers_gain_no_more(rows):
    """Labels without a pattern: further iterations only fit the noise."""
    noise = MatrixRows(
        rows.keys.assign(churned=np.random.default_rng(3).integers(0, 2, ROWS)), rows.x
    )
    short, long = (
        fit_network(noise, "churned", {**NETWORK, "maxIter": most, "patience": 1}, seed=7)
        for most in (100, 1_000)
    )
    assert (short.predict(rows.x) == long.predict(rows.x)).all()


def test_blocks_of_rows_do_not_change_the_logistic_regression(rows, monkeypatch):
    label = rows.label("churned")
    whole, intercept = fit_logistic(rows.x, label, lasso=0.001, ridge=0.001)
    monkeypatch.setattr("models.logistic.BLOCK_ROWS", 64)  # eight blocks, the last one smaller
    parts, other = fit_logistic(rows.x, label, lasso=0.001, ridge=0.001)
    assert parts == pytest.approx(whole, abs=1e-9) and other == pytest.approx(intercept, abs=1e-9)
