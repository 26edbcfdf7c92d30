"""Discrete-time hazard: curves computed by hand, and trees that recover planted hazards."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xgboost

from models.survival.discrete_hazard import HazardModel, fit_hazard, fit_hazard_in_memory
from models.survival.rows import SurvivalError
from models.tree_ensemble import TreeEnsemble


class Frame:
    """The methods of a Spark frame that fit_hazard uses, on pandas."""

    def __init__(self, rows):
        self.rows = rows

    def groupBy(self, name):
        return Frame(self.rows.groupby(name))

    def agg(self, wanted):
        assert wanted == {"churned": "sum", "*": "count"}
        counts = self.rows["churned"].agg(["sum", "count"]).reset_index()
        return Frame(counts.rename(columns={"sum": "sum(churned)", "count": "count(1)"}))

    def collect(self):
        return self.rows.to_dict("records")


class Learner:
    """XGBoost in one process."""

    name = "xgboost"

    def fit(self, frame, names, label):
        data = xgboost.DMatrix(frame.rows[names].astype(np.float32), frame.rows[label])
        given = {"objective": "binary:logistic", "max_depth": 3, "eta": 0.3, "nthread": 1}
        return TreeEnsemble.from_xgboost(xgboost.train(given, data, 60))


def constant(*log_odds):
    """Trees whose log-odds depend only on the period: a chain with one leaf per period."""
    count = len(log_odds)
    inner = count - 1
    nodes = inner + count
    feature = np.full(nodes, -1)
    threshold, value = np.zeros(nodes), np.zeros(nodes)
    left, right = np.full(nodes, -1), np.full(nodes, -1)
    for k in range(inner):  # node 2k tests period < k + 1: left is a leaf, right is the next node
        feature[2 * k], threshold[2 * k] = 2, k + 1
        left[2 * k], right[2 * k] = 2 * k + 1, 2 * k + 2
        value[2 * k + 1] = log_odds[k]
    value[nodes - 1] = log_odds[-1]
    return TreeEnsemble(
        feature,
        threshold,
        left,
        right,
        np.zeros(nodes, dtype=bool),
        value,
        np.ones(nodes),
        np.array([0, nodes]),
        base=0.0,
        columns=3,
    )


def test_the_curve_falls_by_the_hazard_of_each_period():
    # Hazards 1/2, then 1/4 (log-odds 0 and log(1/3)), periods of 10 days.
    model = HazardModel(("x",), constant(0.0, np.log(1 / 3)), 10, 2, 9, 3)
    age = np.array([7])
    assert model.hazards(np.zeros((1, 1)), age)[0] == pytest.approx([1 / 2, 1 / 4])
    days = np.array([0, 5, 10, 20, 30, 35])
    curve = model.conditional_survival(np.zeros((1, 1)), age, days)[0]
    # Half a period takes the square root. After the two periods, the last hazard continues.
    half, three = 1 / 2, 3 / 4
    expected = [1, half**0.5, half, half * three, half * three**2, half * three**2.5]
    assert curve == pytest.approx(expected)
    assert model.observed_days(age).tolist() == [20]


def test_a_higher_hazard_has_the_higher_risk():
    low, high = (HazardModel(("x",), constant(v, v), 10, 2, 9, 3) for v in (-2.0, 1.0))
    of_low, of_high = (m.log_risk(np.zeros((1, 1)), np.array([1]))[0] for m in (low, high))
    assert of_low < of_high


@pytest.fixture(scope="module")
def planted():
    """Periods of 20,000 customers: x0 doubles the hazard of .1, x1 has no effect."""
    draw = np.random.default_rng(3)
    x = draw.integers(0, 2, (20_000, 2)).astype(float)
    hazard = 0.1 * (1 + x[:, 0])
    life = draw.geometric(hazard)
    rows = [
        pd.DataFrame({"x0": x[:, 0], "x1": x[:, 1], "period": k, "churned": life == k + 1}).loc[
            life > k
        ]
        for k in range(4)
    ]
    frame = pd.concat(rows).assign(period_age_days=lambda f: 50 + 30 * f["period"])
    return frame.astype({"churned": int})


def test_trees_find_the_hazards_that_were_planted(planted):
    model = fit_hazard(Frame(planted), ["x0", "x1"], Learner(), period_days=30)
    assert (model.periods, model.rows) == (4, len(planted))
    assert model.events == planted["churned"].sum()
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    hazards = model.hazards(x, np.full(4, 50)).mean(axis=1)
    # About 13,000 periods for each hazard: a standard error of .003.
    assert hazards == pytest.approx([0.1, 0.1, 0.2, 0.2], abs=0.02)


def test_a_covariate_that_changes_is_that_of_each_landmark():
    """Two landmarks 30 days apart. At the first, x is 0 for all; at the second, it is 1 for about
    half of the customers. The hazard of a month is .1 for x = 0 and .5 for x = 1."""
    draw = np.random.default_rng(4)
    count, low, high = 20_000, 0.1, 0.5
    leaves_first = draw.random(count) < low
    turned = draw.integers(0, 2, count)
    leaves_next = draw.random(count) < np.where(turned, high, low)
    # First landmark: age 50, followed for 60 days. Second landmark, for the remaining customers:
    # age 80, followed for 30 days. Customers leave in the middle of a month.
    lived = np.where(leaves_first, 15, np.where(leaves_next, 45, 60))
    left = ~leaves_first
    spells = (
        np.r_[np.full(count, 50), np.full(left.sum(), 80)],
        np.r_[lived, lived[left] - 30],
        np.r_[leaves_first | leaves_next, leaves_next[left]].astype(int),
        np.r_[np.full(count, 60), np.full(left.sum(), 30)],
    )
    x = np.r_[np.zeros(count), turned[left]][:, None]
    given = {"n_estimators": 60, "max_depth": 3, "learning_rate": 0.3}

    model = fit_hazard_in_memory(
        x, spells, ["x"], parameters=given, seed=1, period_days=30, most_periods=2
    )

    # About 9,000 customers for each hazard: a standard error of .005.
    first = model.hazards(np.zeros((1, 1)), np.array([50]))[0]
    assert first == pytest.approx([low, (low + high) / 2], abs=0.02)
    later = model.hazards(np.array([[0.0], [1.0]]), np.array([80, 80]))[:, 0]
    assert later == pytest.approx([low, high], abs=0.02)


def test_a_stored_model_predicts_the_same(planted):
    model = fit_hazard(Frame(planted), ["x0", "x1"], Learner(), period_days=30)
    again = HazardModel.from_dict(model.to_dict())
    given = (np.eye(2), np.array([10, 50]), np.array([0, 29, 400]))
    curves = model.conditional_survival(*given)
    assert np.array_equal(curves, again.conditional_survival(*given))
    assert (np.diff(curves, axis=1) < 0).all()


@pytest.mark.parametrize(("churned", "events"), [(0, 0), (1, 3)])
def test_periods_of_one_kind_are_refused(churned, events):
    rows = pd.DataFrame({"x0": [1, 2, 3], "period": 0, "churned": churned})
    with pytest.raises(SurvivalError) as error:
        fit_hazard(Frame(rows), ["x0"], Learner(), period_days=30)
    assert str(error.value) == (
        f"discrete_hazard: needs periods with and without an event, got {events} events in 3 "
        "periods of 30 days. Use another period length or an earlier landmark."
    )
