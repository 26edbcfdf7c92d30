"""Where an uplift learner is fitted: in one process up to the bound of conf, else on workers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.uplift.boosting import LocalBoosting
from models.uplift.learners import fit
from pipelines.offers import uplift_learning
from runtime.errors import ModelGateError
from tests.unit.models.uplift.trials import NAMES, trial

TREES = {"n_estimators": 3, "max_depth": 2, "learning_rate": 0.3}


class Frame:
    """A Spark frame of these pandas rows, as far as a fit uses it."""

    def __init__(self, rows):
        self.rows = rows

    def groupBy(self, column):
        counts = self.rows.groupby(column).size()
        arms = [{column: float(value), "count": int(n)} for value, n in counts.items()]
        return SimpleNamespace(count=lambda: SimpleNamespace(collect=lambda: arms))

    def toPandas(self):
        return self.rows.sample(frac=1, random_state=3)  # in any order


@pytest.fixture(scope="module")
def rows():
    made, _ = trial(300, lambda x: 0.3 * x[:, 0])
    made = made[made["arm"] < 2].assign(e_0=0.5, e_1=0.5, as_of=pd.Timestamp("2026-01-01"))
    return made.assign(customer_id=[f"c{n:04d}" for n in range(len(made))])


def context(bound, has_jvm):
    training = SimpleNamespace(
        starts={"xgboost": TREES}, seed=1, workers=1, rows_in_one_process=bound
    )
    return SimpleNamespace(settings=SimpleNamespace(training=training), has_jvm=has_jvm)


def fitted(rows, bound, has_jvm):
    return uplift_learning.fitted(
        context(bound, has_jvm), "t_learner", Frame(rows), names=NAMES, offers=["one"]
    )


def test_rows_up_to_the_bound_are_fitted_in_one_process_in_the_order_of_customers(rows):
    shares = [(rows["arm"] == k).mean() for k in (0, 1)]
    expected = fit(
        "t_learner", rows, NAMES, arms=["one"], shares=shares, boosting=LocalBoosting(TREES, 1)
    )
    matrix = rows[NAMES].to_numpy(np.float32)
    model = fitted(rows, len(rows), has_jvm=False)
    assert np.abs(expected.effects(matrix)).max() > 0.02
    np.testing.assert_array_equal(model.effects(matrix), expected.effects(matrix))


def test_more_rows_are_fitted_on_workers(rows, monkeypatch):
    monkeypatch.setattr(uplift_learning, "SparkBoosting", lambda *arguments: arguments)
    monkeypatch.setattr(uplift_learning, "fit", lambda learner, rows, **named: named["boosting"])
    assert fitted(rows, len(rows) - 1, has_jvm=True) == (TREES, 1, 1)


def test_more_rows_on_spark_connect_are_refused(rows):
    with pytest.raises(ModelGateError) as caught:
        fitted(rows, 10, has_jvm=False)
    assert str(caught.value) == (
        f"uplift: {len(rows)} rows are more than training.rows_in_one_process = 10, and on Spark "
        "Connect boosted trees are fitted in one process only. Use a cluster with a classic "
        "session (Databricks: dedicated access mode), or raise the bound if the memory of the "
        "client allows it."
    )
