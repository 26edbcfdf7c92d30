"""Learners of Spark ML, converted to portable scorers. Few rows are fitted in this process.

In Spark they read the vector column `features`, which must be filled and scaled and must not
contain nulls.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from models.forest import fit_forest
from models.logistic import fit_logistic
from models.matrix_rows import MatrixRows
from models.portable import LinearScorer
from models.tree_ensemble import LEAF, TreeEnsemble

if TYPE_CHECKING:
    from pyspark.ml.classification import (
        LogisticRegressionModel,
        RandomForestClassificationModel,
    )
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class RandomForestLearner:
    """Random forest of pyspark.ml. parameters: numTrees, maxDepth, minInstancesPerNode, ...

    scratch: a folder that all workers can access. The fitted forest is saved there and read from
    its files; the caller deletes the folder. ValueError if it is not set.
    """

    parameters: Mapping[str, Any]
    seed: int
    workers: int
    name: str = "random_forest"
    takes_null: bool = field(default=False, repr=False)
    scratch: str = field(default="", repr=False)

    def fit(self, rows: DataFrame | MatrixRows, names: Sequence[str], label: str) -> TreeEnsemble:
        if isinstance(rows, MatrixRows):
            return fit_forest(rows.x, rows.label(label), self.parameters, seed=self.seed)
        if not self.scratch:
            raise ValueError("random_forest: scratch is not set. Name a folder for its files.")
        from pyspark.ml.classification import RandomForestClassifier

        forest = RandomForestClassifier(
            featuresCol="features",
            labelCol=label,
            seed=self.seed,
            cacheNodeIds=True,
            **self.parameters,
        )
        folder = f"{self.scratch}/forest-{uuid.uuid4().hex}"
        return forest_of(forest.fit(rows), rows, folder)


@dataclass(frozen=True)
class LogisticLearner:
    """Logistic regression of pyspark.ml with elastic net. parameters: regParam, elasticNetParam."""

    parameters: Mapping[str, Any]
    seed: int
    workers: int
    name: str = "logistic_regression"
    takes_null: bool = field(default=False, repr=False)

    def fit(self, rows: DataFrame | MatrixRows, names: Sequence[str], label: str) -> LinearScorer:
        if isinstance(rows, MatrixRows):
            penalty = self.parameters.get("regParam", 0.0)
            share = self.parameters.get("elasticNetParam", 0.0)
            return _linear_of(rows, label, lasso=penalty * share, ridge=penalty * (1 - share))
        from pyspark.ml.classification import LogisticRegression

        # No standardization: the columns are already scaled, so the penalty is equal for all.
        model = LogisticRegression(
            featuresCol="features", labelCol=label, standardization=False, **self.parameters
        ).fit(rows)
        return _linear(model, rows)


@dataclass(frozen=True)
class RfmLearner:
    """rfm_logistic: logistic regression without penalty on the columns of `models.baselines.RFM`.

    It is the reference for all other learners, and has no parameters.
    """

    parameters: Mapping[str, Any]
    seed: int
    workers: int
    name: str = "rfm_logistic"
    takes_null: bool = field(default=False, repr=False)

    def fit(self, rows: DataFrame | MatrixRows, names: Sequence[str], label: str) -> LinearScorer:
        if isinstance(rows, MatrixRows):
            return _linear_of(rows, label, lasso=0.0, ridge=0.0)
        from pyspark.ml.classification import LogisticRegression

        model = LogisticRegression(featuresCol="features", labelCol=label, maxIter=50).fit(rows)
        return _linear(model, rows)


def _linear_of(rows: MatrixRows, label: str, *, lasso: float, ridge: float) -> LinearScorer:
    coefficients, intercept = fit_logistic(rows.x, rows.label(label), lasso=lasso, ridge=ridge)
    means = rows.x.mean(axis=0, dtype=np.float64)
    return LinearScorer(tuple(map(float, coefficients)), intercept, tuple(map(float, means)))


def _linear(model: LogisticRegressionModel, frame: DataFrame) -> LinearScorer:
    from pyspark.ml.stat import Summarizer

    means = frame.agg(Summarizer.mean(frame["features"])).collect()[0][0]  # one row
    return LinearScorer(
        tuple(map(float, model.coefficients.toArray())),
        float(model.intercept),
        tuple(map(float, means.toArray())),
    )


def forest_of(
    model: RandomForestClassificationModel, frame: DataFrame, folder: str
) -> TreeEnsemble:
    """The trees of a fitted forest, read from the files in which Spark saves the model.

    A leaf's value is the share of its training rows that left. Spark averages these shares over the
    trees. `frame` provides the session. folder: a new folder that all workers can access.
    """
    model.write().overwrite().save(folder)
    saved = frame.sparkSession.read.parquet(f"{folder}/data").select("treeID", "nodeData.*")
    # One row per node, at most 2^(depth + 1) per tree.
    nodes: Any = saved.select(
        "treeID",
        "id",
        "leftChild",
        "rightChild",
        "impurityStats",
        "split.featureIndex",
        "split.leftCategoriesOrThreshold",
    ).toPandas()
    return _ensemble(nodes.sort_values(["treeID", "id"], ignore_index=True), model.numFeatures)


def _ensemble(nodes: pd.DataFrame, columns: int) -> TreeEnsemble:
    """Flat arrays of the nodes. Spark numbers a tree's nodes in preorder, so the position of a node
    is its id plus the start of its tree."""
    starts = np.flatnonzero(np.diff(nodes["treeID"], prepend=-1))
    shift = starts[nodes["treeID"].to_numpy()]
    is_leaf = nodes["leftChild"].to_numpy() < 0
    counts = np.array(nodes["impurityStats"].tolist(), dtype=float)
    threshold = [0.0 if leaf else t[0] for leaf, t in zip(is_leaf, nodes.iloc[:, -1], strict=True)]
    return TreeEnsemble(
        feature=np.where(is_leaf, LEAF, nodes["featureIndex"]),
        threshold=np.array(threshold),
        left=np.where(is_leaf, LEAF, nodes["leftChild"] + shift),
        right=np.where(is_leaf, LEAF, nodes["rightChild"] + shift),
        default_left=np.zeros(len(nodes), dtype=bool),
        value=np.where(is_leaf, counts[:, 1] / counts.sum(axis=1), 0.0),
        cover=counts.sum(axis=1),
        tree_start=np.append(starts, len(nodes)),
        base=0.0,
        columns=columns,
        scale="mean",
        inclusive=True,
    )
