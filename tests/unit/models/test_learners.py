"""Which way boosted trees take, by the number of rows and by what the session can do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from models.learners import TooManyRowsError, XgboostLearner
from models.matrix_rows import MatrixRows
from models.spark_learners import RandomForestLearner
from pipelines.churn.candidates import learner_of


def frame(rows):
    return SimpleNamespace(count=lambda: rows)


@pytest.mark.parametrize("is_distributed", [True, False])
def test_the_way_of_a_fit(monkeypatch, is_distributed):
    for name in ("_in_process", "_on_workers"):
        monkeypatch.setattr(XgboostLearner, name, lambda *_, name=name: name)
    learner = XgboostLearner({}, 7, 1, is_distributed=is_distributed)
    rows = object.__new__(MatrixRows)
    assert learner.fit(rows, ["x0"], "churned") == "_in_process"
    if is_distributed:
        assert learner.fit(frame(10), ["x0"], "churned") == "_on_workers"


def test_more_rows_on_connect_are_refused_and_the_compute_is_named():
    learner = XgboostLearner({}, 7, 1, rows_in_one_process=200_000, is_distributed=False)
    with pytest.raises(TooManyRowsError) as caught:
        learner.fit(frame(1_234_567), ["x0"], "churned")
    assert str(caught.value) == (
        "1,234,567 rows are more than training.rows_in_one_process = 200,000, and on Spark Connect "
        "boosted trees are fitted in one process only. Use a cluster with a classic session "
        "(Databricks: dedicated access mode), or raise the bound if the memory of the client "
        "allows it."
    )


def test_a_learner_gets_what_its_session_can_do():
    training = SimpleNamespace(seed=7, workers=1, rows_in_one_process=5)
    context = SimpleNamespace(
        settings=SimpleNamespace(training=training),
        has_jvm=False,
        lake=SimpleNamespace(scratch="/lake/temporary_1"),
    )
    assert learner_of(context, "xgboost", {}) == XgboostLearner(
        {}, 7, 1, rows_in_one_process=5, is_distributed=False
    )
    assert learner_of(context, "random_forest", {}) == RandomForestLearner(
        {}, 7, 1, scratch="/lake/temporary_1"
    )
