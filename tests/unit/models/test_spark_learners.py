"""Each learner's portable scorer against the fitted Spark model."""

from __future__ import annotations

from dataclasses import replace
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from models import learners
from models.encoding import FeatureEncoder
from models.learners import LEARNERS, XgboostLearner
from models.matrix_rows import CUSTOMER_HASH, collected
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


def test_the_network_of_a_frame_is_that_of_its_rows(frame, rows, monkeypatch):
    names = [f"x{i}" for i in range(COLUMNS)]
    of_frame = _fit("multilayer_perceptron", frame).predict(_matrix(rows))
    given = collected(frame.repartition(3), names)
    learner = LEARNERS["multilayer_perceptron"](PARAMETERS["multilayer_perceptron"], 7, 1)
    assert (learner.fit(given, names, "churned").predict(_matrix(rows)) == of_frame).all()
    # Of more rows a share of the customers is taken, the same on both paths.
    monkeypatch.setattr(learners, "MOST_NETWORK_ROWS", ROWS // 4)
    few = learner.fit(given, names, "churned").predict(_matrix(rows))
    assert (_fit("multilayer_perceptron", frame).predict(_matrix(rows)) == few).all()
    assert not (few == of_frame).all()


@pytest.fixture(scope="module")
def shuffled(spark, rows):
    """Nulls, two dates, shuffled rows in three partitions."""
    given = rows.sample(frac=1.0, random_state=3)
    given["as_of"] = np.where(np.arange(ROWS) % 3 == 0, "2020-02-01", "2020-01-01")
    given["x2"] = given["x2"].where(np.arange(ROWS) % 5 > 0).astype(object)
    return spark.createDataFrame(given.where(given.notna(), None)).repartition(3)


def test_boosted_trees_in_this_process_equal_those_of_the_workers(shuffled):
    names = [f"x{i}" for i in range(COLUMNS)]
    parameters = {"n_estimators": 20, "max_depth": 3, "subsample": 0.8, "colsample_bytree": 0.7}
    learner = XgboostLearner(parameters, 7, 1)
    in_spark, here = (
        learner.fit(rows, names, "churned") for rows in (shuffled, collected(shuffled, names))
    )
    for part in ("feature", "threshold", "left", "right", "default_left", "value"):
        assert np.array_equal(getattr(here, part), getattr(in_spark, part)), part


@pytest.mark.parametrize("name", ["logistic_regression", "rfm_logistic"])
def test_the_logistic_regression_in_this_process_equals_that_of_spark(frame, name):
    """Both minimise the same function. Spark stops where its steps gain less than 1e-6."""
    names = [f"x{i}" for i in range(COLUMNS)]
    in_spark, here = (
        LEARNERS[name](PARAMETERS[name], 7, 1).fit(rows, names, "churned")
        for rows in (frame, collected(frame, names))
    )
    assert np.abs(np.subtract(here.coefficients, in_spark.coefficients)).max() <= 1e-4
    assert abs(here.intercept - in_spark.intercept) <= 1e-4
    assert np.abs(np.subtract(here.means, in_spark.means)).max() <= 1e-6


def test_the_forest_in_this_process_ranks_as_well_as_sparks(frame, rows):
    """Rows are drawn and thresholds are chosen in another way, so trees differ.

    Scores of 100 trees on these rows then correlate with .97, and the areas differ by less than
    .02.
    """
    from sklearn.metrics import roc_auc_score

    names = [f"x{i}" for i in range(COLUMNS)]
    in_spark, here = (
        _fit("random_forest", given, numTrees=100, maxDepth=5).predict(_matrix(rows))
        for given in (frame, collected(frame, names))
    )
    areas = [roc_auc_score(rows["churned"], p) for p in (in_spark, here)]
    assert np.corrcoef(in_spark, here)[0, 1] > 0.95
    assert abs(areas[0] - areas[1]) < 0.02
    assert abs(in_spark.mean() - here.mean()) < 0.01


def test_rows_of_this_process_are_sorted_and_hold_what_spark_holds(shuffled):
    names = ["x2", "x0"]
    here = collected(shuffled, names)
    told = shuffled.selectExpr(
        "customer_id", "cast(as_of AS string) AS day", "x0", "x2", "churned",
        "xxhash64(customer_id) AS hash",
    ).toPandas().sort_values(["day", "customer_id"], ignore_index=True)  # fmt: skip
    assert here.keys["customer_id"].tolist() == told["customer_id"].tolist()
    assert here.keys[CUSTOMER_HASH].tolist() == told["hash"].tolist()
    assert here.label("churned").tolist() == told["churned"].tolist()
    assert np.array_equal(here.x, told[names].to_numpy(np.float32), equal_nan=True)
