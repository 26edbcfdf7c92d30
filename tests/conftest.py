"""Fixtures for all tests. HOLDFAST_ENGINE: duckdb (default, no JVM) or spark.

The engine is chosen before anything imports pyspark. With DuckDB, sqlframe replaces pyspark.
"""

from __future__ import annotations

import gc
import os
import sys
from functools import cache
from pathlib import Path

import pytest

ENGINE = os.environ.get("HOLDFAST_ENGINE", "duckdb")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
# Threads that spin while they wait for a core make a fit on 300 rows ten times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# The stores of this shell are not those of the tests.
for _name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
    os.environ.pop(_name, None)

if ENGINE == "duckdb":
    from runtime.lakehouse.duck_session import activate, duck_session

    activate()
    # Tests have a few rows, so DuckDB's work is planning. Threads cost more than they save, and so does
    # the search for common parts of nested formulas: 1.3 of 2.3 s for the live engagement.
    duck_session()._conn.execute("SET threads = 1")
    duck_session()._conn.execute("SET disabled_optimizers = 'common_subexpressions'")
else:
    os.environ["PYSPARK_PYTHON"] = sys.executable


# While pytest collects thousands of tests, nothing becomes garbage.
gc.disable()


def pytest_collection_finish():
    """Modules and tests stay until the end, so the garbage collector need not look at them again."""
    gc.freeze()
    if ENGINE == "duckdb":
        # sqlframe copies whole syntax trees at every step; rarer collections halve its time.
        gc.set_threshold(200_000, 20, 20)
    gc.enable()


def pytest_unconfigure():
    """nanobind, which binds DuckDB, reports objects that stay frozen as leaked."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def session():
    """A SparkSession, or a DuckDB session with the same API."""
    if ENGINE == "duckdb":
        from runtime.lakehouse.duck_session import duck_session

        return duck_session()
    return _spark_session()


@pytest.fixture(scope="session")
def spark(session):
    """The Spark session. Tests that use it are skipped unless HOLDFAST_ENGINE=spark."""
    if ENGINE != "spark":
        pytest.skip("needs Spark: run with HOLDFAST_ENGINE=spark")
    return session


def _spark_session():
    from pyspark.sql import SparkSession

    from runtime.lakehouse.session import RIGHTS, spark_session

    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    (
        SparkSession.builder.master("local[2]")
        # One session runs a thousand tests. The plans and stages kept for the UI would fill the heap.
        .config("spark.driver.memory", "5g")
        .config(map=RIGHTS)
        .config("spark.sql.ui.retainedExecutions", "5")
        .config("spark.ui.retainedJobs", "20")
        .config("spark.ui.retainedStages", "20")
        .config("spark.ui.retainedTasks", "200")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.databricks.delta.snapshotPartitions", "1")
        .config("spark.python.sql.dataFrameDebugging.enabled", "false")
        # Tests have few rows: generating code costs more CPU time than it saves. Jobs in processes of
        # their own, such as those of `make acceptance`, run with it. Adaptive execution stays on:
        # without it Spark 4.2 fails on a frame that is cached from cached ones ("key not found").
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config(
            "spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog"
        )
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config(
            "spark.driver.extraJavaOptions",
            # With a smaller code cache, the C1 compiler stops in the middle of a long run.
            "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m",
        )
        .config("spark.databricks.delta.properties.defaults.enableDeletionVectors", "false")
        .getOrCreate()
    )
    from runtime import settings

    session = spark_session(settings.load("demo"), "tests")
    session.sparkContext.setLogLevel("ERROR")
    return session


@pytest.fixture(scope="session")
def small_said():
    """The output of run_pipeline while it built the small lake."""
    from tests.jobs.ingest_lake import Said

    return Said()


@pytest.fixture(scope="session")
def small_lake(spark, tmp_path_factory, small_said):
    """The lake of tests/small_lake.py, built once per test run. No test changes its tables."""
    from tests.small_lake import small_lake_in

    return small_lake_in(tmp_path_factory.mktemp("small"), small_said)


@pytest.fixture
def make_context(spark, tmp_path):
    """A function that makes the Context of a job on a small lakehouse of its own.

    Keyword arguments override settings. Nested dictionaries are merged into those of conf/demo.yaml.
    """
    from runtime.context import Context
    from runtime.progress import Progress
    from runtime.run_info import RunInfo
    from runtime.settings import Settings, load

    def merged(base: dict, over: dict) -> dict:
        out = dict(base)
        for key, value in over.items():
            nested = isinstance(value, dict) and isinstance(out.get(key), dict) and key != "sources"
            out[key] = merged(out[key], value) if nested else value
        return out

    def make(root: Path | None = None, as_of=None, is_dry=False, env="demo", **overrides):
        values = load(env).model_dump()
        values["lakehouse"]["root"] = str(root or tmp_path / "lakehouse")
        settings = Settings(**merged(values, overrides))
        return Context(
            settings,
            RunInfo("test"),
            Progress(is_quiet=True),
            given_as_of=as_of,
            is_dry=is_dry,
        )

    return make


# Every test in these folders needs Spark; their modules cannot be imported on DuckDB.
SPARK_FOLDERS = {
    ROOT / "tests" / name for name in ("acceptance", "cluster", "jobs", "notebooks", "wiring")
}


def pytest_ignore_collect(collection_path):
    return True if ENGINE == "duckdb" and collection_path in SPARK_FOLDERS else None


@cache
def _names_spark(path: Path) -> bool:
    return "spark" in path.read_text(encoding="utf-8")


def _is_left_out(item) -> bool:
    """Whether the runs of the Makefile do not collect a test on Spark: they do not take all files."""
    if item.get_closest_marker("acceptance"):
        return False
    folder = item.path.parent.relative_to(ROOT / "tests").as_posix()
    if item.get_closest_marker("pipeline"):
        return folder not in ("jobs", "notebooks")
    is_found = folder in ("jobs", "notebooks", "wiring") or _names_spark(item.path)
    return bool(item.get_closest_marker("spark_only")) and not is_found


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what needs Spark, and skip what needs the other engine. The Makefile selects by -m."""
    for item in items:
        if item.path.parent == ROOT / "tests" / "wiring":
            item.add_marker(pytest.mark.wiring)
        if "small_lake" in item.fixturenames:
            item.add_marker(pytest.mark.pipeline)
        is_of_spark = "spark" in item.fixturenames or item.path.parent in SPARK_FOLDERS
        if is_of_spark and not item.get_closest_marker("spark_only"):
            item.add_marker(pytest.mark.spark_only)
        if _is_left_out(item):
            raise pytest.UsageError(
                f"{item.nodeid}: `make test` does not find this test, which needs Spark. A test that "
                "uses small_lake belongs in tests/jobs or tests/notebooks; elsewhere, mark the "
                "test spark_only in its file."
            )
        if item.get_closest_marker("spark_only") and ENGINE != "spark":
            item.add_marker(pytest.mark.skip(reason="needs Spark: HOLDFAST_ENGINE=spark"))
        if item.get_closest_marker("duckdb_only") and ENGINE != "duckdb":
            item.add_marker(pytest.mark.skip(reason="needs DuckDB: HOLDFAST_ENGINE=duckdb"))
