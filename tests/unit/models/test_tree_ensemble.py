"""Trees as flat arrays, against hand-made stumps and xgboost's predictions."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import xgboost as xgb
from hypothesis import given, settings, strategies as st

from models.tree_ensemble import TreeEnsemble, UnsupportedTreesError


def scored_stump(**changes):
    """x < 0.5 or missing -> -1, else 2, plus a base of 0.25."""
    parts = {
        "feature": [0, -1, -1],
        "threshold": [0.5, 0.0, 0.0],
        "left": [1, -1, -1],
        "right": [2, -1, -1],
        "default_left": [True, False, False],
        "value": [0.0, -1.0, 2.0],
        "cover": [10.0, 4.0, 6.0],
        "tree_start": [0, 3],
        "base": 0.25,
        "columns": 1,
    }
    return TreeEnsemble(**{**parts, **changes})


def column_of(*values):
    return np.array(values, dtype=np.float32)[:, None]


def churn_like_rows(rows=400, seed=0):
    """Four numeric columns, 10 % missing, the last a count with many ties; one category as three
    0/1 columns. Returns (matrix, labels)."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, 4)).astype(np.float32)
    numbers[:, 3] = rng.integers(0, 4, rows)
    numbers[rng.random(numbers.shape) < 0.1] = np.nan
    plan = rng.integers(0, 3, rows)
    matrix = np.hstack([numbers, np.eye(3, dtype=np.float32)[plan]])
    risk = np.nan_to_num(numbers[:, 0]) * np.nan_to_num(numbers[:, 1]) + (plan == 2)
    return matrix, (risk + rng.normal(size=rows) > 0.5).astype(int)


def boosted(settings_of_it, rounds=30, **others):
    matrix, label = churn_like_rows()
    params = {"objective": "binary:logistic", "nthread": 1, "seed": 1, **settings_of_it}
    return xgb.train(params, xgb.DMatrix(matrix, label), rounds, **others), matrix


# --- by hand -------------------------------------------------------------------------------------


def test_a_stump_goes_left_below_the_threshold_and_right_from_it_on():
    raw = scored_stump().predict(column_of(0.4, 0.5, 0.6))
    assert raw.tolist() == [0.25 - 1, 0.25 + 2, 0.25 + 2]


def test_an_inclusive_stump_goes_left_at_the_threshold():
    raw = scored_stump(inclusive=True).predict(column_of(0.4, 0.5, 0.6))
    assert raw.tolist() == [0.25 - 1, 0.25 - 1, 0.25 + 2]


@pytest.mark.parametrize(("default_left", "leaf"), [(True, -1.0), (False, 2.0)])
def test_a_missing_value_takes_the_default(default_left, leaf):
    stump = scored_stump(default_left=[default_left, False, False])
    assert stump.predict(column_of(np.nan)).tolist() == [0.25 + leaf]


@pytest.mark.parametrize(
    ("threshold", "inclusive", "leaf"),
    [
        # float32(0.1) = 0.10000000149 is above 0.1, float32(0.7) = 0.69999999 is below 0.7.
        (0.1, True, 2.0),
        (0.1, False, 2.0),
        (0.7, True, -1.0),
        (0.7, False, -1.0),
    ],
)
def test_a_float64_threshold_splits_float32_rows_exactly(threshold, inclusive, leaf):
    stump = scored_stump(threshold=np.array([threshold, 0.0, 0.0]), inclusive=inclusive)
    assert stump.predict(column_of(threshold)).tolist() == [0.25 + leaf]


def test_a_forest_averages_its_trees():
    forest = scored_stump(
        feature=[0, -1, -1, 1, -1, -1],
        threshold=[0.5, 0, 0, 3, 0, 0],
        left=[1, -1, -1, 4, -1, -1],
        right=[2, -1, -1, 5, -1, -1],
        default_left=[False] * 6,
        value=[0, 0.2, 0.6, 0, 0.4, 1.0],
        cover=[10, 4, 6, 10, 5, 5],
        tree_start=[0, 3, 6],
        base=0.0,
        columns=2,
        scale="mean",
    )
    rows = np.array([[0.0, 2.0], [1.0, 5.0]], dtype=np.float32)
    assert forest.predict(rows) == pytest.approx([(0.2 + 0.4) / 2, (0.6 + 1.0) / 2])


def test_what_an_inner_node_holds_is_not_added():
    assert scored_stump(value=[99.0, -1.0, 2.0]).predict(column_of(0.0)).tolist() == [-0.75]


def test_without_trees_every_row_scores_the_base():
    nothing = {name: [] for name in ("feature", "threshold", "left", "right", "default_left")}
    empty = scored_stump(**nothing, value=[], cover=[], tree_start=[0])
    assert empty.predict(column_of(1.0, 2.0)).tolist() == [0.25, 0.25]
    assert empty.tree_count == 0


def test_no_rows_give_no_scores():
    assert scored_stump().predict(np.empty((0, 1), dtype=np.float32)).tolist() == []


# --- xgboost as oracle ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings_of_it",
    [
        {"max_depth": 1},
        {"max_depth": 5},
        {"max_depth": 0, "max_leaves": 20, "grow_policy": "lossguide"},
        {"max_depth": 6, "tree_method": "exact", "gamma": 2.0},  # pruning leaves unreachable nodes
        {"max_depth": 3, "num_parallel_tree": 3, "subsample": 0.5},
        {"max_depth": 3, "base_score": 0.2},
    ],
)
def test_scores_are_those_of_xgboost(settings_of_it):
    booster, matrix = boosted(settings_of_it)
    raw = TreeEnsemble.from_xgboost(booster).predict(matrix)
    margin = booster.predict(xgb.DMatrix(matrix), output_margin=True)
    probability = booster.predict(xgb.DMatrix(matrix))
    assert np.abs(raw - margin).max() < 1e-5
    assert np.abs(1 / (1 + np.exp(-raw)) - probability).max() < 1e-6


def test_an_early_stopped_booster_is_cut_after_its_best_round():
    later, label = churn_like_rows(seed=5)
    booster, matrix = boosted(
        {"max_depth": 6, "eta": 1.0},
        rounds=40,
        evals=[(xgb.DMatrix(later, label), "later")],
        early_stopping_rounds=3,
        verbose_eval=False,
    )
    best = booster.best_iteration + 1
    assert best < booster.num_boosted_rounds()
    raw = TreeEnsemble.from_xgboost(booster).predict(matrix)
    margin = booster.predict(xgb.DMatrix(matrix), output_margin=True, iteration_range=(0, best))
    assert np.abs(raw - margin).max() < 1e-5


class WrittenBooster:
    """A stand-in for a booster with a single leaf of 0.5, given by its JSON."""

    def __init__(self, base_score):
        tree = {
            "left_children": [-1],
            "right_children": [-1],
            "split_conditions": [0.5],
            "split_indices": [0],
            "split_type": [0],
            "default_left": [0],
            "sum_hessian": [1.0],
        }
        self.learner = {
            "objective": {"name": "binary:logistic"},
            "gradient_booster": {"name": "gbtree", "model": {"trees": [tree]}},
            "learner_model_param": {"base_score": base_score, "num_feature": "1"},
        }

    def attr(self, name):
        return None

    def save_raw(self, form):
        return json.dumps({"learner": self.learner}).encode()


@pytest.mark.parametrize("written", ["2E-1", "[2E-1]"])
def test_the_base_score_is_read_in_both_ways_that_xgboost_writes_it(written):
    raw = TreeEnsemble.from_xgboost(WrittenBooster(written)).predict(column_of(0.0))
    assert raw == pytest.approx([math.log(0.2 / 0.8) + 0.5])


# --- equal scores for all forms of a row ---------------------------------------------------------


def test_one_row_scores_as_in_a_batch_to_the_last_bit():
    booster, matrix = boosted({"max_depth": 5})
    ensemble = TreeEnsemble.from_xgboost(booster)
    assert [ensemble.predict_one(row) for row in matrix] == ensemble.predict(matrix).tolist()


def test_memory_layout_does_not_matter():
    booster, matrix = boosted({"max_depth": 3})
    ensemble = TreeEnsemble.from_xgboost(booster)
    frozen = matrix.copy()
    frozen.flags.writeable = False
    expected = ensemble.predict(matrix).tolist()
    for form in (np.asfortranarray(matrix), matrix.astype(np.float64), frozen):
        assert ensemble.predict(form).tolist() == expected


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(300)))
def test_order_of_rows_does_not_matter(order):
    booster_rows, _ = churn_like_rows(300, seed=3)
    stump = scored_stump(columns=7)
    expected = stump.predict(booster_rows)[list(order)]
    assert stump.predict(booster_rows[list(order)]).tolist() == expected.tolist()


def test_json_gives_the_ensemble_back_to_the_last_bit():
    booster, matrix = boosted({"max_depth": 5})
    ensemble = TreeEnsemble.from_xgboost(booster)
    again = TreeEnsemble.from_dict(json.loads(json.dumps(ensemble.to_dict())))
    assert again.to_dict() == ensemble.to_dict()
    assert again.threshold.tolist() == ensemble.threshold.tolist()
    assert again.predict(matrix).tolist() == ensemble.predict(matrix).tolist()


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings_of_it", "message"),
    [
        (
            {"objective": "reg:squarederror"},
            "objective: only binary:logistic can be exported, got reg:squarederror. "
            "Train on the columns of FeatureEncoder with objective binary:logistic.",
        ),
        (
            {"booster": "dart"},
            "booster: only gbtree can be exported, got dart. "
            "Train on the columns of FeatureEncoder with booster gbtree.",
        ),
        (
            {"booster": "gblinear"},
            "booster: only gbtree can be exported, got gblinear. "
            "Train on the columns of FeatureEncoder with booster gbtree.",
        ),
    ],
)
def test_another_booster_is_refused(settings_of_it, message):
    booster, _ = boosted(settings_of_it, rounds=2)
    with pytest.raises(UnsupportedTreesError) as error:
        TreeEnsemble.from_xgboost(booster)
    assert str(error.value) == message


def test_categorical_splits_are_refused():
    matrix = np.repeat([[0.0], [1.0], [2.0]], 30, axis=0)
    data = xgb.DMatrix(
        matrix, np.repeat([1, 0, 1], 30), feature_types=["c"], enable_categorical=True
    )
    booster = xgb.train({"objective": "binary:logistic", "max_cat_to_onehot": 1}, data, 1)
    with pytest.raises(UnsupportedTreesError, match="splits: only numeric can be exported"):
        TreeEnsemble.from_xgboost(booster)


def test_two_outputs_are_refused():
    matrix, label = churn_like_rows()
    data = xgb.DMatrix(matrix, np.stack([label, 1 - label], axis=1))
    with pytest.raises(UnsupportedTreesError, match="outputs: only 1 can be exported, got 2"):
        TreeEnsemble.from_xgboost(xgb.train({"objective": "binary:logistic"}, data, 2))


@pytest.mark.parametrize(
    "damage",
    [
        {"left": [0, -1, -1]},  # a node is its own child: an endless loop
        {"right": [3, -1, -1]},  # the child is outside the tree
        {"feature": [1, -1, -1]},  # the column is outside the matrix
        {"tree_start": [0, 2]},  # a node belongs to no tree
    ],
)
def test_arrays_that_are_no_trees_are_refused(damage):
    with pytest.raises(UnsupportedTreesError) as error:
        scored_stump(**damage)
    assert str(error.value) == (
        "trees: a child must come after its parent in the same tree, and a column must be "
        "in 0..0. The arrays are damaged: export the model again."
    )


def test_arrays_of_other_lengths_are_refused():
    with pytest.raises(UnsupportedTreesError, match="trees: arrays need one entry per node, got"):
        scored_stump(cover=[10.0])


def test_an_unknown_scale_is_refused():
    with pytest.raises(UnsupportedTreesError) as error:
        scored_stump(scale="median")
    assert str(error.value) == (
        "scale: must be one of sum, mean, got 'median'. "
        "Use 'sum' for boosted trees and 'mean' for a forest."
    )


def test_a_matrix_of_another_width_is_refused():
    with pytest.raises(ValueError) as error:
        scored_stump().predict(np.zeros((2, 3), dtype=np.float32))
    assert str(error.value) == (
        "matrix: the trees need 1 column, got shape (2, 3). "
        "Encode the rows with the encoder that is stored with the trees."
    )
