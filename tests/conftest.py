"""Sessions shared by the whole run. HOLDFAST_ENGINE: duckdb (default, no JVM) or spark.

The engine is chosen before anything imports pyspark: with DuckDB, sqlframe stands in its place.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ENGINE = os.environ.get("HOLDFAST_ENGINE", "duckdb")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
# Threads that wait for a core by spinning make a fit on 300 rows ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

if ENGINE == "duckdb":
    from runtime.lakehouse.duck_session import activate

    activate()
else:
    os.environ["PYSPARK_PYTHON"] = sys.executable


@pytest.fixture(scope="session")
def session():
    """A SparkSession or a DuckDB session of the same API."""
    if ENGINE == "duckdb":
        from runtime.lakehouse.duck_session import duck_session

        return duck_session()
    return _spark_session()


@pytest.fixture(scope="session")
def spark(session):
    """The Spark session; tests that ask for it run with HOLDFAST_ENGINE=spark only."""
    if ENGINE != "spark":
        pytest.skip("needs Spark: run with HOLDFAST_ENGINE=spark")
    return session


def _spark_session():
    from pyspark.sql import SparkSession

    from runtime.lakehouse.session import spark_session

    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    (
        SparkSession.builder.master("local[2]")
        # One session serves a thousand tests: the plans and stages it would keep for a UI fill the heap.
        .config("spark.driver.memory", "5g")
        .config("spark.sql.ui.retainedExecutions", "5")
        .config("spark.ui.retainedJobs", "20")
        .config("spark.ui.retainedStages", "20")
        .config("spark.ui.retainedTasks", "200")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.databricks.delta.snapshotPartitions", "1")
        .config("spark.python.sql.dataFrameDebugging.enabled", "false")
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
            # Without room for its code C1 stops in the middle of a long run.
            "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m",
        )
        .config("spark.databricks.delta.properties.defaults.enableDeletionVectors", "false")
        .getOrCreate()
    )
    from runtime import settings

    found = spark_session(settings.load("demo"), "tests")
    found.sparkContext.setLogLevel("ERROR")
    return found


@pytest.fixture(scope="session")
def small_said():
    """What the main job told its user while it made the small lake."""
    from tests.jobs.ingest_lake import Said

    return Said()


@pytest.fixture(scope="session")
def small_lake(spark, tmp_path_factory, small_said):
    """The lake of tests/small_lake.py, made once a test run. No test changes what it holds."""
    from tests.small_lake import small_lake_in

    return small_lake_in(tmp_path_factory.mktemp("small"), small_said)


@pytest.fixture
def make_context(spark, tmp_path):
    """A function that makes a job's Context over its own small lakehouse.

    Keyword arguments override settings (nested dictionaries are merged over conf/demo.yaml).
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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what needs Spark, and skip what needs the other engine. The Makefile selects by -m."""
    for item in items:
        if "spark" in item.fixturenames and "spark_only" not in item.keywords:
            item.add_marker(pytest.mark.spark_only)
        if "spark_only" in item.keywords and ENGINE != "spark":
            item.add_marker(pytest.mark.skip(reason="needs Spark: HOLDFAST_ENGINE=spark"))
        if "duckdb_only" in item.keywords and ENGINE != "duckdb":
            item.add_marker(pytest.mark.skip(reason="needs DuckDB: HOLDFAST_ENGINE=duckdb"))
