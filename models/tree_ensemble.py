"""Boosted trees and forests as flat arrays, scored without the library that trained them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from contracts.wording import plural
from models.compiled import compiled

if TYPE_CHECKING:
    import xgboost

LEAF = -1
SCALES = ("sum", "mean")
# Rows scored by one tree before the next tree: 128 rows of 60 columns fit in 32 kB of cache.
BLOCK_ROWS = 128

ARRAY_TYPES: dict[str, type[np.generic]] = {
    "feature": np.int32,
    "threshold": np.float32,
    "left": np.int32,
    "right": np.int32,
    "default_left": np.bool_,
    "value": np.float64,
    "cover": np.float64,
    "tree_start": np.int64,
}


class UnsupportedTreesError(ValueError):
    """The trees use something that the flat arrays cannot represent, or they are inconsistent."""


@dataclass(frozen=True, eq=False)
class TreeEnsemble:
    """Binary trees as arrays with one entry per node, tree by tree, parents before children.

    feature: matrix column of the node's split; -1 for a leaf.
    threshold: a row goes left if x < threshold, or x <= threshold if `inclusive`. Rounded to
        float32 such that float32 rows take the same path as with a float64 threshold.
    left, right: position of the child in these arrays; -1 for a leaf.
    default_left: True if a missing x (NaN) goes left.
    value: the leaf's value; ignored for other nodes.
    cover: weight of the training rows that reached the node (for xgboost the sum of hessians).
    tree_start: position of each tree's first node, followed by the number of nodes.
    base, columns: constant term of the raw score, and number of matrix columns.
    scale: "sum": base + sum of leaves, in log-odds. "mean": base + mean of leaves, a probability.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    default_left: NDArray[np.bool_]
    value: NDArray[np.float64]
    cover: NDArray[np.float64]
    tree_start: NDArray[np.int64]
    base: float
    columns: int
    scale: str = "sum"
    inclusive: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "threshold", _for_float32(self.threshold, self.inclusive))
        for name, dtype in ARRAY_TYPES.items():
            object.__setattr__(self, name, read_only(getattr(self, name), dtype))
        self._refuse_unknown_scale()
        self._refuse_bad_structure()

    @classmethod
    def from_xgboost(cls, booster: xgboost.Booster) -> Self:
        """Convert a binary:logistic gbtree booster, up to its best iteration if it has one.

        Scores equal `output_margin=True` to 1e-5, because xgboost adds in float32.
        UnsupportedTreesError for other boosters and for categorical splits.
        """
        best = booster.attr("best_iteration")
        if best is not None:
            booster = booster[: int(best) + 1]
        learner = json.loads(bytes(booster.save_raw("json")))["learner"]
        _refuse_other_boosters(learner)
        trees = [_flat_tree(tree) for tree in learner["gradient_booster"]["model"]["trees"]]
        return cls(
            **_side_by_side(trees),
            base=_log_odds_of_base_score(learner["learner_model_param"]["base_score"]),
            columns=int(learner["learner_model_param"]["num_feature"]),
        )

    @property
    def tree_count(self) -> int:
        """Number of trees. With zero trees each raw score is `base`."""
        return len(self.tree_start) - 1

    @cached_property
    def strict_threshold(self) -> NDArray[np.float32]:
        """Thresholds for the strict x < t. x <= t is equivalent to x < the next float32 above t."""
        if not self.inclusive:
            return self.threshold
        return read_only(np.nextafter(self.threshold, np.float32(np.inf)), np.float32)

    @cached_property
    def leaf_value(self) -> NDArray[np.float64]:
        """The amount that each node adds to the raw score; 0 for an inner node."""
        weight = 1.0 / max(self.tree_count, 1) if self.scale == "mean" else 1.0
        return read_only(np.where(self.feature == LEAF, self.value * weight, 0.0), np.float64)

    @cached_property
    def parent(self) -> NDArray[np.int64]:
        """Position of each node's parent; -1 for a root."""
        parent = np.full(len(self.feature), -1, dtype=np.int64)
        inner = np.flatnonzero(self.feature != LEAF)
        parent[self.left[inner]] = inner
        parent[self.right[inner]] = inner
        return parent

    @cached_property
    def cover_share(self) -> NDArray[np.float64]:
        """Cover of each node divided by its parent's; 1 for a root, 1/2 if the parent has none."""
        whole = np.where(self.parent < 0, self.cover, self.cover[self.parent])
        share = np.divide(self.cover, whole, out=np.full(len(whole), 0.5), where=whole > 0)
        return np.where(self.parent < 0, 1.0, share)

    @cached_property
    def expected(self) -> float:
        """Mean raw score of the training rows: each leaf weighted by the cover of its path."""
        reach = self.cover_share.copy()
        for node in np.flatnonzero(self.parent >= 0):
            reach[node] *= reach[self.parent[node]]
        return self.base + float(reach @ self.leaf_value)

    def predict(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Raw score of each row of a (rows, columns) matrix (NaN: missing); errors of `checked`.
        The first call on a machine compiles the kernel (about a second); see models.compiled."""
        raw = np.zeros(len(matrix), dtype=np.float64)
        _add_leaves(
            self.checked(matrix),
            self.feature,
            self.strict_threshold,
            self.left,
            self.right,
            self.default_left,
            self.leaf_value,
            self.tree_start,
            raw,
        )
        return self.base + raw

    def predict_one(self, row: NDArray[np.float32]) -> float:
        """Raw score of one (columns,) row, identical to the result of `predict`."""
        return float(self.predict(row.reshape(1, -1))[0])

    def checked(self, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
        """The matrix in the form that the kernels need. ValueError if its width is wrong."""
        if matrix.ndim != 2 or matrix.shape[1] != self.columns:
            raise ValueError(
                f"matrix: the trees need {plural(self.columns, 'column')}, got shape "
                f"{matrix.shape}. Encode the rows with the encoder that is stored with the trees."
            )
        return read_only(matrix, np.float32)

    def to_dict(self) -> dict[str, Any]:
        """A dict of JSON values. A float32 becomes the float64 of the same value."""
        content = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: v.tolist() if k in ARRAY_TYPES else v for k, v in content.items()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Rebuild the ensemble from `to_dict`, with identical values."""
        return cls(**content)

    def _refuse_unknown_scale(self) -> None:
        if self.scale not in SCALES:
            raise UnsupportedTreesError(
                f"scale: must be one of {', '.join(SCALES)}, got {self.scale!r}. "
                "Use 'sum' for boosted trees and 'mean' for a forest."
            )

    def _refuse_bad_structure(self) -> None:
        nodes = len(self.feature)
        lengths = {n: len(getattr(self, n)) for n in ARRAY_TYPES if n != "tree_start"}
        if set(lengths.values()) != {nodes}:
            raise UnsupportedTreesError(
                f"trees: arrays need one entry per node, got {lengths}. Export the model again."
            )
        inner = np.flatnonzero(self.feature != LEAF)
        tree_end = np.repeat(self.tree_start[1:], np.diff(self.tree_start))
        children = np.stack([self.left[inner], self.right[inner]])
        if (
            self.tree_start[0] != 0
            or self.tree_start[-1] != nodes
            or (children <= inner).any()
            or (children >= tree_end[inner]).any()
            or not ((self.feature >= LEAF) & (self.feature < self.columns)).all()
        ):
            raise UnsupportedTreesError(
                "trees: a child must come after its parent in the same tree, and a column must be "
                f"in 0..{self.columns - 1}. The arrays are damaged: export the model again."
            )


def read_only(array: Any, dtype: DTypeLike) -> NDArray[Any]:
    """A contiguous read-only view of the array. Copies only if the type or the layout differs.

    numba compiles once per argument type, and read-only is part of the type. If all inputs are
    read-only, it compiles once for rows from Arrow, pandas and dicts.
    """
    view = np.ascontiguousarray(array, dtype=dtype).view()
    view.flags.writeable = False
    return view


@compiled
def _add_leaves(matrix, feature, threshold, left, right, default_left, value, tree_start, raw):  # type: ignore[no-untyped-def]
    for begin in range(0, len(raw), BLOCK_ROWS):
        for tree in range(len(tree_start) - 1):
            for row in range(begin, min(begin + BLOCK_ROWS, len(raw))):
                node = tree_start[tree]
                column = feature[node]
                while column >= 0:
                    x = matrix[row, column]
                    goes_left = (x < threshold[node]) | (np.isnan(x) & default_left[node])
                    node = left[node] if goes_left else right[node]
                    column = feature[node]
                raw[row] += value[node]


def _for_float32(threshold: ArrayLike, inclusive: bool) -> NDArray[np.float32]:
    """Round float64 thresholds (Spark's) down if inclusive, else up: same splits of float32."""
    exact = np.asarray(threshold, dtype=np.float64)
    nearest = exact.astype(np.float32)
    wrong = nearest > exact if inclusive else nearest < exact
    return np.where(
        wrong, np.nextafter(nearest, np.float32(-np.inf if inclusive else np.inf)), nearest
    )


def _refuse_other_boosters(learner: Mapping[str, Any]) -> None:
    trees = learner["gradient_booster"].get("model", {}).get("trees", [])
    has_categories = any(any(tree["split_type"]) for tree in trees)
    for setting, allowed, given in (
        ("objective", "binary:logistic", learner["objective"]["name"]),
        ("booster", "gbtree", learner["gradient_booster"]["name"]),
        ("outputs", "1", learner["learner_model_param"].get("num_target", "1")),
        ("splits", "numeric", "categorical" if has_categories else "numeric"),
    ):
        if given != allowed:
            raise UnsupportedTreesError(
                f"{setting}: only {allowed} can be exported, got {given}. "
                f"Train on the columns of FeatureEncoder with {setting} {allowed}."
            )


def _log_odds_of_base_score(base_score: str) -> float:
    """The logit of the base score. xgboost < 3 writes "5E-1", xgboost >= 3 the list "[5E-1]"."""
    (probability,) = np.atleast_1d(json.loads(base_score))
    with np.errstate(divide="ignore"):  # -inf or inf if no row or all rows are positive
        return float(np.log(probability / (1.0 - probability)))


def _flat_tree(tree: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """One tree, renumbered in preorder without the nodes that pruning made unreachable."""
    left, right = tree["left_children"], tree["right_children"]
    order, waiting = [], [0]
    while waiting:
        node = waiting.pop()
        order.append(node)
        if left[node] != LEAF:
            waiting += [right[node], left[node]]
    kept = np.array(order)
    position = np.full(len(left), LEAF)
    position[kept] = np.arange(len(kept))
    is_leaf = np.array(left)[kept] == LEAF
    condition = np.array(tree["split_conditions"], dtype=np.float32)[kept]
    return {
        "feature": np.where(is_leaf, LEAF, np.array(tree["split_indices"])[kept]),
        "threshold": np.where(is_leaf, np.float32(0), condition),
        "left": np.where(is_leaf, LEAF, position[np.array(left)[kept]]),
        "right": np.where(is_leaf, LEAF, position[np.array(right)[kept]]),
        "default_left": np.array(tree["default_left"], dtype=bool)[kept] & ~is_leaf,
        "value": np.where(is_leaf, condition, np.float32(0)),
        "cover": np.array(tree["sum_hessian"])[kept],
    }


def _side_by_side(trees: list[dict[str, NDArray[Any]]]) -> dict[str, Any]:
    """Concatenate the arrays of all trees and shift the children's positions."""
    start = np.cumsum([0] + [len(tree["feature"]) for tree in trees])
    for tree, shift in zip(trees, start, strict=False):
        for side in ("left", "right"):
            tree[side] = np.where(tree[side] == LEAF, LEAF, tree[side] + shift)
    names = ARRAY_TYPES.keys() - {"tree_start"}
    joined = {n: np.concatenate([t[n] for t in trees]) if trees else np.array([]) for n in names}
    return {**joined, "tree_start": start}
