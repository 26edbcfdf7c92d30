"""Learners of Spark ML, converted to portable scorers.

They read the vector column `features`, which must be filled and scaled and must not contain nulls.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from models.portable import LinearScorer, MlpScorer
from models.tree_ensemble import LEAF, TreeEnsemble

if TYPE_CHECKING:
    from pyspark.ml.classification import (
        LogisticRegressionModel,
        RandomForestClassificationModel,
    )
    from pyspark.sql import DataFrame

# Share of training customers in the validation set for early stopping.
STOPPING_SHARE = 0.1
ITERATIONS_A_ROUND = 20


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

    def fit(self, frame: DataFrame, names: Sequence[str], label: str) -> TreeEnsemble:
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
        return forest_of(forest.fit(frame), frame, folder)


@dataclass(frozen=True)
class LogisticLearner:
    """Logistic regression of pyspark.ml with elastic net. parameters: regParam, elasticNetParam."""

    parameters: Mapping[str, Any]
    seed: int
    workers: int
    name: str = "logistic_regression"
    takes_null: bool = field(default=False, repr=False)

    def fit(self, frame: DataFrame, names: Sequence[str], label: str) -> LinearScorer:
        from pyspark.ml.classification import LogisticRegression

        # No standardization: the columns are already scaled, so the penalty is equal for all.
        model = LogisticRegression(
            featuresCol="features", labelCol=label, standardization=False, **self.parameters
        ).fit(frame)
        return _linear(model, frame)


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

    def fit(self, frame: DataFrame, names: Sequence[str], label: str) -> LinearScorer:
        from pyspark.ml.classification import LogisticRegression

        model = LogisticRegression(featuresCol="features", labelCol=label, maxIter=50).fit(frame)
        return _linear(model, frame)


@dataclass(frozen=True)
class MlpLearner:
    """Multilayer perceptron of pyspark.ml with early stopping, because it has no L2 penalty.

    A tenth of the customers is the validation set. Each round runs ITERATIONS_A_ROUND iterations
    from the current weights and then computes the validation log loss. Training stops after
    `patience` rounds without improvement and keeps the weights of the best round. parameters:
    hidden (sizes of the hidden layers), maxIter, solver (l-bfgs or gd), stepSize (only for gd),
    patience (rounds), blockSize.
    """

    parameters: Mapping[str, Any]
    seed: int
    workers: int
    name: str = "multilayer_perceptron"
    takes_null: bool = field(default=False, repr=False)

    def fit(self, frame: DataFrame, names: Sequence[str], label: str) -> MlpScorer:
        from pyspark.ml.classification import MultilayerPerceptronClassifier

        asked = dict(self.parameters)
        hidden, most = asked.pop("hidden"), asked.pop("maxIter")
        patience = asked.pop("patience")
        layers = [len(names), *map(int, hidden), 2]
        # The customer's position in [0, 1), from a hash of the id and the seed.
        share = f"pmod(xxhash64(customer_id, {self.seed}), 1000) / 1000D"
        fitted_on = frame.where(f"{share} >= {STOPPING_SHARE}")
        judged_on = frame.where(f"{share} < {STOPPING_SHARE}")
        weights, best, best_loss, waited = None, None, float("inf"), 0
        for done in range(0, most, ITERATIONS_A_ROUND):
            network = MultilayerPerceptronClassifier(
                featuresCol="features",
                labelCol=label,
                layers=layers,
                maxIter=min(ITERATIONS_A_ROUND, most - done),
                seed=self.seed,
                **asked,
            )
            if weights is not None:
                network.setInitialWeights(weights)
            model = network.fit(fitted_on)
            weights = model.weights
            loss = _log_loss(model.transform(judged_on), label)
            if best is None or loss < best_loss:
                best, best_loss, waited = weights, loss, 0
            else:
                waited += 1
            if waited >= patience:
                break
        assert best is not None
        return MlpScorer.from_spark(best.toArray(), layers)


def _log_loss(scored: DataFrame, label: str) -> float:
    from pyspark.ml.functions import vector_to_array

    p = vector_to_array(scored["probability"])[1].alias("p")
    held = scored.select(scored[label].alias("y"), p)
    held = held.selectExpr("y", "least(greatest(p, 1e-15D), 1 - 1e-15D) AS p")
    loss = held.selectExpr("avg(-(y * ln(p) + (1 - y) * ln(1 - p)))")
    mean = loss.collect()[0][0]  # one row
    return float("inf") if mean is None else float(mean)


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
