"""Exact SHAP values against hand calculations, brute force over all subsets, and xgboost."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest
import xgboost as xgb
from hypothesis import given, settings, strategies as st

from models.top_factors import top_factors
from models.tree_ensemble import TreeEnsemble
from models.tree_shap import BLOCK_ROWS, ShapTables

# A limit of 0 bytes forces polynomials.
BOTH_WAYS = pytest.mark.parametrize("max_bytes", [2**29, 0], ids=["tables", "polynomials"])


def grown(*trees, columns, base=0.0, scale="sum", inclusive=False):
    """Trees from tuples: (column, threshold, default_left, left, right) or (value, cover)."""
    nodes, start = [], [0]
    for tree in trees:
        _append(tree, nodes)
        start.append(len(nodes))
    names = ("feature", "threshold", "left", "right", "default_left", "value", "cover")
    arrays = {name: [node[name] for node in nodes] for name in names}
    return TreeEnsemble(
        **arrays, tree_start=start, base=base, columns=columns, scale=scale, inclusive=inclusive
    )


def _append(tree, nodes):
    """Append the subtree in preorder and return its cover."""
    node = dict(feature=-1, threshold=0.0, left=-1, right=-1, default_left=False, value=0.0)
    nodes.append(node)
    if len(tree) == 2:
        node["value"], node["cover"] = tree
        return node["cover"]
    node["feature"], node["threshold"], node["default_left"], left, right = tree
    node["left"] = len(nodes)
    node["cover"] = _append(left, nodes)
    node["right"] = len(nodes)
    node["cover"] += _append(right, nodes)
    return node["cover"]


def value_of_knowing(ensemble, row, known):
    """v(S) by Lundberg's algorithm 1: follow the split on known columns, average both sides of
    others."""

    def below(node):
        column = ensemble.feature[node]
        if column < 0:
            return ensemble.value[node]
        left, right = ensemble.left[node], ensemble.right[node]
        if column in known:
            x, threshold = row[column], ensemble.threshold[node]
            goes_left = x <= threshold if ensemble.inclusive else x < threshold
            if np.isnan(x):
                goes_left = ensemble.default_left[node]
            return below(left if goes_left else right)
        weighted = ensemble.cover[left] * below(left) + ensemble.cover[right] * below(right)
        return weighted / ensemble.cover[node]

    total = sum(below(root) for root in ensemble.tree_start[:-1])
    return ensemble.base + (total / ensemble.tree_count if ensemble.scale == "mean" else total)


def shapley_by_brute_force(ensemble, row):
    """The definition: the mean gain of a column over all orders of the columns."""
    n = ensemble.columns
    phi = np.zeros(n)
    for column in range(n):
        others = [other for other in range(n) if other != column]
        for size in range(n):
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            for known in combinations(others, size):
                gain = value_of_knowing(ensemble, row, {*known, column})
                phi[column] += weight * (gain - value_of_knowing(ensemble, row, set(known)))
    return phi


def noisy_booster(max_depth, columns, rounds=20, rows=300):
    """A booster and its training rows, with missing values and two 0/1 columns at the end."""
    rng = np.random.default_rng(max_depth)
    matrix = rng.normal(size=(rows, columns)).astype(np.float32)
    matrix[:, -2:] = rng.integers(0, 2, (rows, 2))
    matrix[:, :-2][rng.random((rows, columns - 2)) < 0.15] = np.nan
    label = np.nan_to_num(matrix[:, 0] * matrix[:, 1]) + matrix[:, -1] + rng.normal(size=rows) > 0.5
    params = {"objective": "binary:logistic", "max_depth": max_depth, "eta": 0.3, "nthread": 1}
    params["min_child_weight"] = 0.1
    return xgb.train(params, xgb.DMatrix(matrix, label.astype(int)), rounds), matrix


STUMP = (0, 0.5, True, (-1.0, 4.0), (2.0, 6.0))
# Column 0 is split on twice on the path to the two right leaves, column 2 never.
TWICE = (
    0,
    0.0,
    False,
    (1, 1.0, True, (1.0, 3.0), (4.0, 5.0)),
    (0, 2.0, True, (-2.0, 7.0), (8.0, 1.0)),
)


# --- by hand -------------------------------------------------------------------------------------


@BOTH_WAYS
def test_a_stump_moves_the_row_from_the_mean_to_its_leaf(max_bytes):
    tables = ShapTables.build(grown(STUMP, columns=2, base=0.25), max_bytes=max_bytes)
    rows = np.array([[0.0, 9.0], [1.0, 9.0], [np.nan, 9.0]], dtype=np.float32)
    mean = (4 * -1.0 + 6 * 2.0) / 10
    assert tables.base == pytest.approx(0.25 + mean)
    expected = [[-1 - mean, 0], [2 - mean, 0], [-1 - mean, 0]]
    assert tables.contributions(rows) == pytest.approx(np.array(expected), abs=1e-6)


@BOTH_WAYS
def test_two_columns_that_act_together_share_the_gain_equally(max_bytes):
    # The value is 1 if both columns are above 0 (a quarter of the cover), else 0.
    both = (0, 0.0, True, (0.0, 2.0), (1, 0.0, True, (0.0, 1.0), (1.0, 1.0)))
    tables = ShapTables.build(grown(both, columns=2), max_bytes=max_bytes)
    # v() = 1/4, v(0) = v(1) = 1/2, v(0, 1) = 1, so each phi is (1/4 + 1/2) / 2.
    phi = tables.contributions(np.array([[1.0, 1.0]], dtype=np.float32))
    assert phi == pytest.approx(np.array([[3 / 8, 3 / 8]]), abs=1e-6)
    assert tables.base == pytest.approx(1 / 4)


# --- brute force ---------------------------------------------------------------------------------


@BOTH_WAYS
@pytest.mark.parametrize("inclusive", [False, True])
def test_a_column_asked_twice_on_a_path_counts_once(max_bytes, inclusive):
    ensemble = grown(TWICE, columns=3, base=-0.5, inclusive=inclusive)
    tables = ShapTables.build(ensemble, max_bytes=max_bytes)
    values = [-1.0, 0.0, 1.0, 2.0, 3.0, np.nan]
    rows = np.array([[a, b, 0.0] for a in values for b in values], dtype=np.float32)
    expected = np.array([shapley_by_brute_force(ensemble, row) for row in rows])
    assert tables.contributions(rows) == pytest.approx(expected, abs=1e-5)
    assert tables.base == pytest.approx(value_of_knowing(ensemble, rows[0], set()))


def small_trees(columns):
    """Trees of depth up to 4, including conditions that no value can meet and leaves of 0."""
    leaf = st.tuples(st.integers(-4, 4).map(float), st.integers(1, 9).map(float))

    def split(side):
        column, threshold = st.integers(0, columns - 1), st.integers(-2, 2).map(float)
        return st.tuples(column, threshold, st.booleans(), side, side)

    level = leaf
    for _ in range(4):
        level = st.one_of(leaf, split(level))
    return split(level)


@BOTH_WAYS
@settings(max_examples=60, deadline=None)
@given(
    trees=st.lists(small_trees(3), min_size=1, max_size=3),
    row=st.lists(st.sampled_from([-3.0, -1.0, 0.0, 1.0, 2.0, np.nan]), min_size=3, max_size=3),
    scale=st.sampled_from(["sum", "mean"]),
    max_depth=st.integers(3, 8),
)
def test_any_small_ensemble_is_explained_as_by_brute_force(max_bytes, trees, row, scale, max_depth):
    # No tree splits on the fourth column, so its contribution must be exactly 0.
    ensemble = grown(*trees, columns=4, base=0.5, scale=scale)
    row = np.array([*row, 7.0], dtype=np.float32)
    tables = ShapTables.build(ensemble, max_depth=max_depth, max_bytes=max_bytes)
    phi = tables.contributions(row[None])[0]
    assert phi == pytest.approx(shapley_by_brute_force(ensemble, row), abs=1e-5)
    assert phi[3] == 0.0
    assert tables.base + phi.sum() == pytest.approx(ensemble.predict_one(row), abs=1e-5)


# --- xgboost as oracle ---------------------------------------------------------------------------


@BOTH_WAYS
@pytest.mark.parametrize(("max_depth", "columns"), [(1, 4), (3, 8), (5, 30), (8, 5), (8, 30)])
def test_contributions_are_those_of_xgboost(max_bytes, max_depth, columns):
    booster, matrix = noisy_booster(max_depth, columns)
    tables = ShapTables.build(TreeEnsemble.from_xgboost(booster), max_bytes=max_bytes)
    oracle = booster.predict(xgb.DMatrix(matrix), pred_contribs=True)
    assert tables.is_tabulated == (max_bytes > 0)
    assert np.abs(tables.contributions(matrix) - oracle[:, :-1]).max() < 1e-5
    assert tables.base == pytest.approx(oracle[0, -1], abs=1e-5)


def test_paths_too_long_for_tables_are_explained_all_the_same():
    booster, matrix = noisy_booster(12, 30)
    ensemble = TreeEnsemble.from_xgboost(booster)
    tables = ShapTables.build(ensemble, max_depth=4)
    oracle = booster.predict(xgb.DMatrix(matrix), pred_contribs=True)
    assert not tables.is_tabulated
    assert np.abs(tables.contributions(matrix) - oracle[:, :-1]).max() < 1e-5


@BOTH_WAYS
def test_contributions_and_base_add_up_to_the_raw_score(max_bytes):
    booster, matrix = noisy_booster(6, 12)
    ensemble = TreeEnsemble.from_xgboost(booster)
    tables = ShapTables.build(ensemble, max_bytes=max_bytes)
    total = tables.base + tables.contributions(matrix).sum(axis=1)
    assert np.abs(total - ensemble.predict(matrix)).max() < 1e-6


@BOTH_WAYS
def test_a_row_is_explained_alone_as_among_many(max_bytes):
    booster, few = noisy_booster(4, 6)
    tables = ShapTables.build(TreeEnsemble.from_xgboost(booster), max_bytes=max_bytes)
    order = np.random.default_rng(0).integers(0, len(few), 2 * BLOCK_ROWS + 1)
    one_by_one = np.vstack([tables.contributions(row[None]) for row in few])
    assert (tables.contributions(few[order]) == one_by_one[order]).all()


# --- limits --------------------------------------------------------------------------------------


def test_tables_are_used_up_to_the_depth_and_the_bytes_that_are_allowed():
    # TWICE has three inner nodes. One table with 3 conditions takes at most 4 * 3 * 2^3 = 96 bytes.
    ensemble = grown(TWICE, columns=3)
    assert ShapTables.build(ensemble, max_depth=3, max_bytes=96).is_tabulated
    assert not ShapTables.build(ensemble, max_depth=3, max_bytes=95).is_tabulated
    # The path to (1.0, 3.0) splits on two distinct columns.
    assert ShapTables.build(ensemble, max_depth=2).is_tabulated
    assert not ShapTables.build(ensemble, max_depth=1).is_tabulated


@BOTH_WAYS
@pytest.mark.parametrize("trees", [(), ((3.0, 5.0),)], ids=["no tree", "a single leaf"])
def test_without_a_split_nothing_contributes(max_bytes, trees):
    tables = ShapTables.build(grown(*trees, columns=2, base=1.0), max_bytes=max_bytes)
    assert tables.contributions(np.zeros((2, 2), dtype=np.float32)).tolist() == [[0, 0], [0, 0]]
    assert tables.base == 1.0 + sum(value for value, _ in trees)


@BOTH_WAYS
def test_a_side_that_no_training_row_took_has_no_weight_in_the_mean(max_bytes):
    empty = (1, 0.0, True, (5.0, 0.0), (6.0, 0.0))
    tables = ShapTables.build(
        grown((0, 0.5, True, (-1.0, 4.0), empty), columns=2), max_bytes=max_bytes
    )
    phi = tables.contributions(np.array([[0.0, -1.0], [1.0, -1.0]], dtype=np.float32))
    assert tables.base == -1.0
    # Both sides of the node without cover count half, so its mean is (5 + 6) / 2 = 5.5.
    # v() = v(1) = -1, v(0) = 5.5, v(0, 1) = 5.
    column_1 = (0 + (5 - 5.5)) / 2
    assert phi == pytest.approx(np.array([[0, 0], [6 - column_1, column_1]]), abs=1e-6)


def test_no_rows_give_no_contributions():
    tables = ShapTables.build(grown(STUMP, columns=2))
    assert tables.contributions(np.empty((0, 2), dtype=np.float32)).shape == (0, 2)


# --- top factors ---------------------------------------------------------------------------------


def test_top_factors_are_ordered_by_size_ties_by_feature_and_zeros_last():
    contributions = np.array([[0.1, -0.5, 0.3, 0.5], [0.0, 0.0, -0.2, 0.0]])
    before = contributions.copy()
    indices, values = top_factors(contributions, k=3)
    assert indices.tolist() == [[1, 3, 2], [2, 0, 1]]
    assert values.tolist() == [[-0.5, 0.5, 0.3], [-0.2, 0.0, 0.0]]
    assert (contributions == before).all()


def test_fewer_features_than_asked_are_all_given():
    indices, values = top_factors(np.array([[1.0, -2.0]]), k=5)
    assert indices.tolist() == [[1, 0]]
    assert values.tolist() == [[-2.0, 1.0]]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=9), st.integers(1, 9))
def test_top_factors_equal_a_stable_sort(row, k):
    indices, _ = top_factors(np.array([row]), k)
    assert indices[0].tolist() == sorted(range(len(row)), key=lambda c: -abs(row[c]))[:k]
