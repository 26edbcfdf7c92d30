"""Random forest of scikit-learn in this process, in the portable form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from contracts.wording import plural
from models.fit_limit import check_fit
from models.tree_ensemble import LEAF, TreeEnsemble

# Further rows hardly change a tree of a forest, but its time grows with them.
MOST_ROWS_A_TREE = 100_000
# Trees between two checks of the time limit.
TREES_AT_ONCE = 10


def fit_forest(
    x: NDArray[np.float32], label: NDArray[np.int64], parameters: Mapping[str, Any], *, seed: int
) -> TreeEnsemble:
    """A forest with the parameters of pyspark.ml: numTrees, maxDepth, minInstancesPerNode.

    It is the same model as pyspark.ml's, but not tree by tree: rows are drawn with replacement
    instead of by Poisson weights, at most MOST_ROWS_A_TREE for a tree, and a threshold may lie
    between any two values instead of between maxBins quantiles. Raises ValueError if the label has
    one class.
    """
    if len(np.unique(label)) < 2:
        rows = plural(len(label), "row")
        raise ValueError(f"label: must have both classes, got {rows} of one class. Add rows.")
    forest = RandomForestClassifier(
        n_estimators=0,
        max_depth=int(parameters.get("maxDepth", 5)),
        min_samples_leaf=int(parameters.get("minInstancesPerNode", 1)),
        max_features="sqrt",
        max_samples=min(len(x), MOST_ROWS_A_TREE),
        random_state=seed,
        warm_start=True,
        # One thread: fits run in parallel.
        n_jobs=1,
    )
    trees = int(parameters.get("numTrees", 20))
    for grown in range(TREES_AT_ONCE, trees + TREES_AT_ONCE, TREES_AT_ONCE):
        check_fit()
        forest.set_params(n_estimators=min(grown, trees)).fit(x, label)
    return _ensemble([tree.tree_ for tree in forest.estimators_], x.shape[1])


def _ensemble(trees: list[Any], columns: int) -> TreeEnsemble:
    """Flat arrays of scikit-learn's trees. A leaf's value is the share of its rows that left."""
    starts = np.cumsum([0, *(tree.node_count for tree in trees)])

    def flat(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(tree, name) for tree in trees])

    shift = np.repeat(starts[:-1], np.diff(starts))
    left, right, values = flat("children_left"), flat("children_right"), flat("value")[:, 0, :]
    is_leaf = left < 0
    return TreeEnsemble(
        feature=np.where(is_leaf, LEAF, flat("feature")),
        threshold=np.where(is_leaf, 0.0, flat("threshold")),
        left=np.where(is_leaf, LEAF, left + shift),
        right=np.where(is_leaf, LEAF, right + shift),
        default_left=np.zeros(len(left), dtype=bool),
        value=np.where(is_leaf, values[:, 1] / values.sum(axis=1), 0.0),
        cover=flat("weighted_n_node_samples"),
        tree_start=starts,
        base=0.0,
        columns=columns,
        scale="mean",
        inclusive=True,
    )
