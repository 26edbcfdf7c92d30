"""An executor that is killed in training and in scoring changes no table."""

from __future__ import annotations

import shutil

import pytest

from tests.cluster.lost_executors import LOST, Kill, run_steps
from tests.engines import small_lake
from tests.reference.compare import compare_lakes, told

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only, pytest.mark.timeout(2_400)]

TRAINED = ("train_churn", "validate_model", "deploy_model", "score_customers")
STEPS = tuple(step for step in small_lake.LEARN if step[0] in TRAINED)
# xgboost.spark fits in threads of the driver, whose stages have the name of Python's thread pool.
KILLS = (
    Kill("train_churn", "thread.py", is_barrier=True),
    Kill("score_customers"),
)
# xgboost.spark fits also what one process could: its tasks wait for each other.
CONF = {
    "spark_profile": "cluster",
    "training": {"rows_in_one_process": 0, "learners": ["xgboost"]},
}


@pytest.fixture(scope="module")
def files(tmp_path_factory, cluster, package):
    """The small lake, with its lakehouse after ingest and build_features."""
    folder = tmp_path_factory.mktemp("company")
    small_lake.write_files(folder)
    run = small_lake.write_run(folder, folder / "built", steps=small_lake.BUILD, conf=CONF)
    built = run_steps(cluster, run, package)
    assert built.exit_code == 0, built.output
    return folder


def test_killed_executors_change_no_table(files, cluster, package):
    lakes = {}
    for name, kills in (("undisturbed", ()), ("disturbed", KILLS)):
        run = small_lake.write_run(files, files / name, steps=STEPS, conf=CONF)
        shutil.copytree(files / "built" / "lakehouse", run / "lakehouse")
        result = run_steps(cluster, run, package, kills)
        assert result.exit_code == 0, result.output
        assert [kill for kill, failure in result.lost if LOST in failure] == list(kills)
        lakes[name] = run / "lakehouse"

    tables = compare_lakes(lakes["undisturbed"], lakes["disturbed"])

    names = {table.name for table in tables}
    assert {"gold.customer_scores", "gold.model_comparison", "gold.risk_factors"} <= names
    assert [told(table) for table in tables if not table.is_equal] == []
