"""The Spark session of a job, configured by the Spark profile of its environment."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from runtime.lakehouse import platform
from runtime.lakehouse.connection import check_remote, session_options
from runtime.lakehouse.workers import check_workers

if TYPE_CHECKING:
    from runtime.settings import Settings

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # Else Spark puts variables of the environment, such as keys, into SQL that names ${env:...}.
    "spark.sql.variable.substitute": "false",
    # Delta checks the schema of a merge strictly; only SparkLake.create adds columns.
    "spark.databricks.delta.schema.autoMerge.enabled": "false",
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
}
# Hadoop sets the rights of files and folders itself, and ignores the umask of the process. A
# profile may set other rights.
RIGHTS = {"spark.hadoop.fs.permissions.umask-mode": "027"}
# The zone in which Spark reads times without a zone and in which it cuts times into days.
TIME_ZONE = "spark.sql.session.timeZone"


def spark_session(settings: Settings, app_name: str) -> SparkSession:
    """The active session (Databricks, notebooks, tests), else a new one from the profile.

    Its time zone is that of the business day.
    """
    spark = _active_or_new(settings, app_name)
    platform.set_for_session(spark, TIME_ZONE, settings.features.business_time_zone)
    return spark


@contextmanager
def time_zone(spark: SparkSession, zone: str) -> Iterator[None]:
    """Make frames in another time zone.

    Spark reads the zone when the frame is made, Spark Connect when it is computed.
    """
    with platform.session_setting(spark, TIME_ZONE, zone):
        yield


def _active_or_new(settings: Settings, app_name: str) -> SparkSession:
    # By default workers start the first python3 on PATH, which lacks the libraries.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # pyspark logs each failed analysis with a Java stack trace; jobs report it in one sentence.
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    check_remote(settings)
    profile, submitted = settings.spark_profile_values(), _submitted()
    builder = SparkSession.builder.appName(f"holdfast-{app_name}")
    for key, value in session_options(profile, options_of(profile)).items():
        # Options of spark-submit win over the profile.
        if key not in submitted:
            builder = builder.config(key, value)
    with warnings.catch_warnings():
        # The options of a server that runs cannot be changed: pyspark warns about each.
        warnings.filterwarnings("ignore", "Failed to set ")
        spark = builder.getOrCreate()
    platform.prepare(spark, platform.platform_of(spark, profile))
    check_workers(spark)
    return spark


def options_of(profile: Mapping[str, str]) -> dict[str, str]:
    """Spark's options with a profile: it replaces the rights of files, and not what Delta needs.

    >>> options_of({"spark.master": "local[*]"})["spark.hadoop.fs.permissions.umask-mode"]
    '027'
    """
    return {**RIGHTS, **profile, **DELTA}


def _submitted() -> set[str]:
    """Keys given to spark-submit on its command line (--conf, --master)."""
    if SparkContext._gateway is None and "PYSPARK_GATEWAY_PORT" not in os.environ:
        return set()
    SparkContext._ensure_initialized()
    return {key for key, _ in SparkConf().getAll()}
