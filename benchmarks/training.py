"""Training time of each learner on Spark, against its counterpart in one process."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import functions as F

from benchmarks.measure import Section
from models.learners import LEARNERS
from models.spark_learners import RandomForestLearner

FEATURES, THREADS, SEED = 40, 2, 7
ROWS = (100_000, 300_000, 1_000_000)
PARAMETERS: dict[str, dict[str, Any]] = {
    "xgboost": {"n_estimators": 100, "max_depth": 6, "learning_rate": 0.1},
    "random_forest": {"numTrees": 20, "maxDepth": 8, "maxBins": 32},
    "multilayer_perceptron": {"hidden": [32], "maxIter": 40, "patience": 9},
    "logistic_regression": {"regParam": 0.001, "elasticNetParam": 0.0, "maxIter": 50},
}


def stored(spark: Any, folder: Path, rows: int) -> str:
    """Path of a Parquet folder: customer_id, as_of, churned, x0 to x39 in [0, 1).

    One row per customer. Only x0 to x4 have an effect on churned.
    """
    path = str(folder / f"training_{rows}")
    if not (Path(path) / "_SUCCESS").exists():

        def draw(salt: str) -> Any:
            return F.pmod(F.xxhash64("id", F.lit(salt)), F.lit(1_000_000)) / 1_000_000.0

        made = spark.range(rows).select(
            F.col("id").cast("string").alias("customer_id"),
            F.lit("2020-01-01").cast("date").alias("as_of"),
            *[draw(f"x{i}").cast("float").alias(f"x{i}") for i in range(FEATURES)],
            draw("chance").alias("chance"),
        )
        push = sum((F.col(f"x{i}") for i in range(5)), F.lit(0.0)) - 2.5
        label = (F.col("chance") < 1 / (1 + F.exp(-3 * push))).cast("int")
        made.select("*", label.alias("churned")).drop("chance").write.mode("overwrite").parquet(
            path
        )
    return path


def peers() -> dict[str, Callable[[pd.DataFrame, np.ndarray], Any]]:
    """The fit of each learner in one process, with the same size and number of threads."""
    import xgboost
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    boosted = xgboost.XGBClassifier(tree_method="hist", nthread=THREADS, **PARAMETERS["xgboost"])
    return {
        "xgboost": boosted.fit,
        "random_forest": RandomForestClassifier(20, max_depth=8, n_jobs=THREADS).fit,
        "multilayer_perceptron": MLPClassifier((32,), solver="lbfgs", max_iter=40).fit,
        "logistic_regression": LogisticRegression(max_iter=50).fit,
    }


def run(spark: Any, folder: Path) -> Section:
    """Measure each learner and its counterpart on the same rows."""
    from pyspark.ml.feature import VectorAssembler

    section = Section(
        f"Training time, {FEATURES} features",
        "Wall seconds of one fit. The Spark frame is assembled and cached before; the rows of one "
        "process are in memory. xgboost.spark has two workers with one thread each, the "
        "counterparts have two threads.",
        ("learner", "rows", "Spark", "one process", "one process / Spark"),
    )
    names, grown = [f"x{i}" for i in range(FEATURES)], {}
    # Warm up workers and JIT, as in a hyperparameter search.
    warm = spark.read.parquet(stored(spark, folder, 10_000))
    for rows in (None, *ROWS):
        read = warm if rows is None else spark.read.parquet(stored(spark, folder, rows))
        frame = VectorAssembler(inputCols=names, outputCol="features").transform(read)
        frame = frame.repartition(THREADS, "customer_id").cache()
        frame.count()
        table = None if rows is None else pd.read_parquet(stored(spark, folder, rows))
        for name, build in LEARNERS.items():
            learner = build(PARAMETERS[name], SEED, THREADS)
            if isinstance(learner, RandomForestLearner):
                learner = replace(learner, scratch=f"{folder}/scratch")
            began = time.perf_counter()
            learner.fit(frame, names, "churned")
            taken = time.perf_counter() - began
            if table is None:
                continue
            began = time.perf_counter()
            peers()[name](table[names], table["churned"].to_numpy())
            other = time.perf_counter() - began
            grown[name, rows] = taken
            section.add(name, f"{rows:,}", taken, other, other / taken)
        frame.unpersist()
    for name in LEARNERS:
        ratio = grown[name, ROWS[-1]] / grown[name, ROWS[0]] / (ROWS[-1] / ROWS[0])
        section.reach(f"{name}: time x / rows x", ratio, 1.0, at_least=False)
    return section
