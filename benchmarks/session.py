"""The Spark session of the benchmarks: local profile, full JIT, 8 GB for the driver."""

from __future__ import annotations

import os
import sys

from pyspark.sql import SparkSession

from runtime.lakehouse.session import DELTA
from runtime.settings import load


def benchmark_session(**more: str) -> SparkSession:
    """A Spark session with the local profile. `more`: further Spark settings."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("holdfast-bench").config("spark.driver.memory", "8g")
    for key, value in {**load("demo").spark_profile_values(), **DELTA, **more}.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark
