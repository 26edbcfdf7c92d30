"""Each learner's portable scorer against the fitted Spark model."""

from __future__ import annotations

from dataclasses import replace
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from models.encoding import FeatureEncoder
from models.learners import LEARNERS, XgboostLearner
from models.portable import PortableModel
from models.spark_learners import RandomForestLearner

pytestmark = pytest.mark.spark_only
ROWS, COLUMNS = 600, 4
PARAMETERS = {
    "xgboost": {"n_estimators": 20, "max_depth": 3},
    "random_forest": {"numTrees": 8, "maxDepth": 5},
    "multilayer_perceptron": {"hidden": [6], "maxIter": 60, "patience": 2},
    "logistic_regression": {"regParam": 0.001, "elasticNetParam": 0.5},
    "rfm_logistic": {},
}


@pytest.fixture(scope="module")
def rows():
    draw = np.random.default_rng(5)
    x = draw.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    label = (x[:, 0] + x[:, 1] * (x[:, 2] > 0) + draw.normal(size=ROWS) * 0.5 > 0).astype(int)
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(COLUMNS)])
    return frame.assign(
        churned=label,
        customer_id=[f"c{i:04d}" for i in range(ROWS)],
        as_of=pd.Timestamp(2020, 1, 1),
    )


@pytest.fixture(scope="module")
def frame(spark, rows):
    from pyspark.ml.feature import VectorAssembler

    names = [c for c in rows if c.startswith("x")]
    made = spark.createDataFrame(rows).repartition(1).sortWithinPartitions("customer_id")
    return VectorAssembler(inputCols=names, outputCol="features").transform(made).cache()


def _fit(name, frame, **more):
    learner = LEARNERS[name]({**PARAMETERS[name], **more}, 7, 1)
    if isinstance(learner, RandomForestLearner):
        with TemporaryDirectory() as scratch:
            learner = replace(learner, scratch=scratch)
            return learner.fit(frame, [f"x{i}" for i in range(COLUMNS)], "churned")
    return learner.fit(frame, [f"x{i}" for i in range(COLUMNS)], "churned")


def _matrix(rows):
    return rows[[f"x{i}" for i in range(COLUMNS)]].to_numpy(dtype=np.float32)


@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_ranks_far_better_than_chance(name, frame, rows):
    from sklearn.metrics import roc_auc_score

    scorer = _fit(name, frame)
    # The rule without noise has an AUC of about .9 on these labels. Chance is .5.
    assert roc_auc_score(rows["churned"], scorer.predict(_matrix(rows))) > 0.8


@pytest.mark.parametrize("name", LEARNERS)
def test_the_portable_form_survives_its_text(name, frame, rows):
    scorer = _fit(name, frame)
    names = tuple(f"x{i}" for i in range(COLUMNS))
    neutral = (0.0,) * COLUMNS
    model = PortableModel(FeatureEncoder(names, fill=neutral), scorer)
    again = PortableModel.from_json(model.to_json())
    features = rows[list(names)]
    whole = model.predict_proba(features)
    assert np.abs(again.predict_proba(features) - whole).max() == 0.0
    from_dicts = [again.predict_one(row) for row in features.head(20).to_dict("records")]
    assert np.abs(np.array(from_dicts) - whole[:20]).max() <= 1e-6


def _spark_probability(model, frame):
    from pyspark.ml.functions import vector_to_array

    scored = model.transform(frame).select("customer_id", vector_to_array("probability")[1])
    return scored.toPandas().sort_values("customer_id").iloc[:, 1].to_numpy()


def test_the_forest_equals_sparks(frame, rows):
    from pyspark.ml.classification import RandomForestClassifier

    model = RandomForestClassifier(
        featuresCol="features", labelCol="churned", seed=7, cacheNodeIds=True,
        **PARAMETERS["random_forest"],
    ).fit(frame)  # fmt: skip
    mine = _fit("random_forest", frame)
    assert np.abs(mine.predict(_matrix(rows)) - _spark_probability(model, frame)).max() <= 1e-9


def test_the_logistic_regression_equals_sparks(frame, rows):
    from pyspark.ml.classification import LogisticRegression

    model = LogisticRegression(
        featuresCol="features", labelCol="churned", standardization=False,
        **PARAMETERS["logistic_regression"],
    ).fit(frame)  # fmt: skip
    mine = _fit("logistic_regression", frame)
    gap = expit(mine.predict(_matrix(rows))) - _spark_probability(model, frame)
    assert np.abs(gap).max() <= 1e-9
    assert np.abs(np.array(mine.means) - _matrix(rows).mean(axis=0)).max() <= 1e-6


def test_the_network_equals_sparks(frame, rows):
    from pyspark.ml.classification import MultilayerPerceptronClassifier
    from pyspark.sql import functions as F

    # A single round equals a plain fit on the customers that are not in the validation set.
    share = F.pmod(F.xxhash64("customer_id", F.lit(7)), F.lit(1000)) / 1000.0
    layers = [COLUMNS, 6, 2]
    model = MultilayerPerceptronClassifier(
        featuresCol="features", labelCol="churned", layers=layers, maxIter=20, seed=7
    ).fit(frame.where(share >= 0.1))
    mine = _fit("multilayer_perceptron", frame, maxIter=20)
    gap = expit(mine.predict(_matrix(rows))) - _spark_probability(model, frame)
    assert np.abs(gap).max() <= 1e-6


@pytest.mark.parametrize(("solver", "is_same"), [("l-bfgs", True), ("gd", False)])
def test_the_step_counts_for_gradient_descent_alone(frame, rows, solver, is_same):
    short, long = (
        _fit("multilayer_perceptron", frame, maxIter=20, solver=solver, stepSize=step)
        for step in (0.01, 0.1)
    )
    gap = np.abs(short.predict(_matrix(rows)) - long.predict(_matrix(rows))).max()
    assert bool(gap == 0) is is_same


def test_the_network_stops_where_held_back_customers_gain_no_more(frame):
    """Labels without a pattern: further iterations only fit the noise."""
    from pyspark.sql import functions as F

    noise = frame.withColumn("churned", F.pmod(F.xxhash64("customer_id", F.lit(3)), F.lit(2)))
    short = _fit("multilayer_perceptron", noise, maxIter=40, patience=1)
    long = _fit("multilayer_perceptron", noise, maxIter=400, patience=1)
    matrix = np.random.default_rng(1).normal(size=(50, COLUMNS)).astype(np.float32)
    assert np.abs(short.predict(matrix) - long.predict(matrix)).max() <= 1e-9


def test_boosted_trees_on_the_driver_equal_those_of_the_workers(spark, rows):
    """Nulls, two dates, shuffled rows in three partitions."""
    names = [f"x{i}" for i in range(COLUMNS)]
    given = rows.sample(frac=1.0, random_state=3)
    given["as_of"] = np.where(np.arange(ROWS) % 3 == 0, "2020-02-01", "2020-01-01")
    given["x2"] = given["x2"].where(np.arange(ROWS) % 5 > 0).astype(object)
    frame = spark.createDataFrame(given.where(given.notna(), None)).repartition(3)
    parameters = {"n_estimators": 20, "max_depth": 3, "subsample": 0.8, "colsample_bytree": 0.7}
    fits = {
        bound: XgboostLearner(parameters, 7, 1, rows_in_one_process=bound).fit(
            frame, names, "churned"
        )
        for bound in (0, ROWS - 1, ROWS)
    }
    for fit in fits.values():
        for part in ("feature", "threshold", "left", "right", "default_left", "value"):
            assert np.array_equal(getattr(fit, part), getattr(fits[0], part)), part


def test_the_bound_decides_where_boosted_trees_are_fitted(spark, rows, monkeypatch):
    ran = []
    for where in ("_on_driver", "_on_workers"):
        monkeypatch.setattr(XgboostLearner, where, lambda self, *_, where=where: ran.append(where))
    frame = spark.createDataFrame(rows[["x0", "churned"]].head(10))
    for bound in (0, 9, 10):
        XgboostLearner({}, 7, 1, rows_in_one_process=bound).fit(frame, ["x0"], "churned")
    assert ran == ["_on_workers", "_on_workers", "_on_driver"]
