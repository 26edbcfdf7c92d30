"""Spark ML's learners and their portable forms.

They take the vector column `features`: filled, scaled, no null.
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
    from pyspark.ml.classification import RandomForestClassificationModel
    from pyspark.sql import DataFrame

# Of the training customers, those that tell the network when to stop.
STOPPING_SHARE = 0.1
ITERATIONS_A_ROUND = 20


@dataclass(frozen=True)
class RandomForestLearner:
    """A forest by pyspark.ml. parameters: numTrees, maxDepth, minInstancesPerNode, maxBins, ..."""

    parameters: Mapping[str, Any]
    seed: int
    workers: int
    name: str = "random_forest"
    takes_null: bool = field(default=False, repr=False)

    def fit(self, frame: DataFrame, names: Sequence[str], label: str) -> TreeEnsemble:
        from pyspark.ml.classification import RandomForestClassifier

        forest = RandomForestClassifier(
            featuresCol="features",
            labelCol=label,
            seed=self.seed,
            cacheNodeIds=True,
            **self.parameters,
        )
        return forest_of(forest.fit(frame), frame)


@dataclass(frozen=True)
class LogisticLearner:
    """Logistic regression with elastic net by pyspark.ml. parameters: regParam, elasticNetParam."""

    parameters: Mapping[str, Any]
    seed: int
    workers: int
    name: str = "logistic_regression"
    takes_null: bool = field(default=False, repr=False)

    def fit(self, frame: DataFrame, names: Sequence[str], label: str) -> LinearScorer:
        from pyspark.ml.classification import LogisticRegression
        from pyspark.ml.stat import Summarizer

        # The columns are scaled already, so the penalty means the same for each.
        model = LogisticRegression(
            featuresCol="features", labelCol=label, standardization=False, **self.parameters
        ).fit(frame)
        means = frame.agg(Summarizer.mean(frame["features"])).collect()[0][0]  # one row
        return LinearScorer(
            tuple(map(float, model.coefficients.toArray())),
            float(model.intercept),
            tuple(map(float, means.toArray())),
        )


@dataclass(frozen=True)
class MlpLearner:
    """A multilayer perceptron by pyspark.ml, stopped early: it has no L2 penalty.

    A tenth of the customers is held back. After each round of iterations their log loss is
    computed; training goes on from where it stands until `patience` rounds bring no gain, and the
    weights of the best round stay. parameters: hidden (sizes of the hidden layers), maxIter,
    solver (l-bfgs or gd), stepSize (of gd alone), patience (rounds), blockSize.
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
        # A customer's share of [0, 1), from the hash of the id.
        share = f"pmod(xxhash64(customer_id, {self.seed}), 1000) / 1000D"
        fitted_on = frame.where(f"{share} >= {STOPPING_SHARE}").cache()
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
        fitted_on.unpersist()
        assert best is not None
        return MlpScorer.from_spark(best.toArray(), layers)


def _log_loss(scored: DataFrame, label: str) -> float:
    from pyspark.ml.functions import vector_to_array

    p = vector_to_array(scored["probability"])[1].alias("p")
    held = scored.select(scored[label].alias("y"), p)
    held = held.selectExpr("y", "least(greatest(p, 1e-15D), 1 - 1e-15D) AS p")
    loss = held.selectExpr("avg(-(y * ln(p) + (1 - y) * ln(1 - p)))")
    found = loss.collect()[0][0]  # one row
    return float("inf") if found is None else float(found)


def forest_of(model: RandomForestClassificationModel, frame: DataFrame) -> TreeEnsemble:
    """The trees of a fitted forest, read from the form in which Spark saves them.

    A leaf's value is the share of its training rows that left; Spark averages these over the
    trees. `frame` gives the session. All workers must reach the folder: `spark.holdfast.scratch`
    of the profile.
    """
    spark = frame.sparkSession
    scratch = spark.conf.get("spark.holdfast.scratch", None) or _temporary(spark)
    folder = f"{scratch}/forest-{uuid.uuid4().hex}"
    model.write().overwrite().save(folder)
    saved = spark.read.parquet(f"{folder}/data").select("treeID", "nodeData.*")
    # One row a node, at most 2^(depth + 1) a tree: the size of the model.
    nodes: Any = saved.select(
        "treeID",
        "id",
        "leftChild",
        "rightChild",
        "impurityStats",
        "split.featureIndex",
        "split.leftCategoriesOrThreshold",
    ).toPandas()
    _remove(spark, folder)
    return _ensemble(nodes.sort_values(["treeID", "id"], ignore_index=True), model.numFeatures)


def _ensemble(nodes: pd.DataFrame, columns: int) -> TreeEnsemble:
    """Spark numbers a tree's nodes in preorder, so that position = id + start of the tree."""
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


def _temporary(spark: Any) -> str:
    """The JVM's own temporary folder, which a session on one machine shares with its workers."""
    jvm = spark.sparkContext._jvm
    folder = jvm.java.io.File(jvm.java.lang.System.getProperty("java.io.tmpdir"))
    return str(folder.toURI().toString()).rstrip("/")


def _remove(spark: Any, folder: str) -> None:
    jvm: Any = spark.sparkContext._jvm
    path = jvm.org.apache.hadoop.fs.Path(folder)
    path.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration()).delete(path, True)
