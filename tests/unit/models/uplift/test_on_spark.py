"""Each learner gives equal effects on Spark and in one process."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.uplift.boosting import LocalBoosting, SparkBoosting
from models.uplift.learners import LEARNERS, fit
from tests.unit.models.uplift.trials import NAMES, trial

pytestmark = pytest.mark.spark_only

TREES = {"n_estimators": 10, "max_depth": 3, "learning_rate": 0.3, "min_child_weight": 20}
KINDS = {"customer_id": "string", "as_of": "date"}


@pytest.fixture(scope="module")
def both(spark):
    """The same 1,500 customers in pandas and on Spark, with one arm whose effect is .3 x0."""
    rows, _ = trial(2_250, lambda x: 0.3 * x[:, 0])
    rows = rows[rows["arm"] < 2].assign(e_0=0.5, e_1=0.5, as_of=pd.Timestamp("2026-01-01"))
    rows.insert(0, "customer_id", [f"c{n:04d}" for n in range(len(rows))])
    columns = list(rows.columns)
    ddl = ", ".join(f"{c} {KINDS.get(c, 'double')}" for c in columns)
    values = [tuple(_plain(v) for v in row) for row in rows.itertuples(index=False)]
    return rows, spark.createDataFrame(values, ddl).repartition(3).persist()


def _plain(value):
    if isinstance(value, pd.Timestamp):
        return value.date()
    return value if isinstance(value, str) else float(value)


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_learner_on_spark_is_the_learner_in_one_process(both, learner):
    local, rows = both
    shares = (0.5, 0.5)
    in_process = fit(
        learner, local, NAMES, arms=("one",), shares=shares, boosting=LocalBoosting(TREES, 1)
    )
    on_spark = fit(
        learner, rows, NAMES, arms=("one",), shares=shares, boosting=SparkBoosting(TREES, 1, 1)
    )
    matrix = local[NAMES].to_numpy(np.float32)
    expected = in_process.effects(matrix)
    # Effects far above the tolerance, so that a missing tree or another shift would be detected.
    assert np.abs(expected).max() > 0.02
    np.testing.assert_allclose(on_spark.effects(matrix), expected, atol=1e-3)
