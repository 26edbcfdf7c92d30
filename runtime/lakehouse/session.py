"""The Spark session of a job, configured by the Spark profile of its environment."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

if TYPE_CHECKING:
    from runtime.settings import Settings

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # Delta checks the schema of a merge strictly; only SparkLake.create adds columns.
    "spark.databricks.delta.schema.autoMerge.enabled": "false",
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
}


# The zone in which Spark reads times without a zone and in which it cuts times into days.
TIME_ZONE = "spark.sql.session.timeZone"


def spark_session(settings: Settings, app_name: str) -> SparkSession:
    """The active session (Databricks, notebooks, tests), else a new one from the profile.

    Its time zone is that of the business day.
    """
    spark = _active_or_new(settings, app_name)
    spark.conf.set(TIME_ZONE, settings.features.business_time_zone)
    return spark


@contextmanager
def time_zone(spark: SparkSession, zone: str) -> Iterator[None]:
    """Make frames in another time zone.

    Spark reads the zone when the frame is made, Spark Connect when it is computed.
    """
    before = spark.conf.get(TIME_ZONE) or "UTC"
    spark.conf.set(TIME_ZONE, zone)
    try:
        yield
    finally:
        spark.conf.set(TIME_ZONE, before)


def _active_or_new(settings: Settings, app_name: str) -> SparkSession:
    # By default workers start the first python3 on PATH, which lacks the libraries.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # pyspark logs each failed analysis with a Java stack trace; jobs report it in one sentence.
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    builder = SparkSession.builder.appName(f"holdfast-{app_name}")
    for key, value in {**settings.spark_profile_values(), **DELTA}.items():
        # Options of spark-submit win over the profile.
        if key not in _submitted():
            builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def _submitted() -> set[str]:
    """Keys given to spark-submit on its command line (--conf, --master)."""
    if SparkContext._gateway is None and "PYSPARK_GATEWAY_PORT" not in os.environ:
        return set()
    SparkContext._ensure_initialized()
    return {key for key, _ in SparkConf().getAll()}
