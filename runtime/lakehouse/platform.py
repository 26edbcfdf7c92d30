"""What a Spark session can do: classic, Spark Connect, or Connect on serverless compute.

Every call that Spark Connect refuses or that serverless compute forbids stands here. An
architecture test refuses these calls in all other modules.
"""

from __future__ import annotations

import importlib
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pyspark import StorageLevel

from runtime.errors import UsageError
from runtime.lakehouse.connection import is_serverless
from runtime.wording import plural

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from runtime.lakehouse.temporary_tables import TemporaryTables


class Platform(StrEnum):
    """Kind of a Spark session.

    classic: the driver runs the JVM. connect: a client of a server, without JVM and RDDs.
    serverless: as connect, and without caches, checkpoints and most settings of the session.
    """

    CLASSIC = "classic"
    CONNECT = "connect"
    SERVERLESS = "serverless"


def platform_of(spark: SparkSession, profile: Mapping[str, str]) -> Platform:
    """The kind of this session. profile: the values of the Spark profile in conf/spark/."""
    if not type(spark).__module__.startswith("pyspark.sql.connect"):
        return Platform.CLASSIC
    return Platform.SERVERLESS if is_serverless(profile) else Platform.CONNECT


# ---------------------------------------------------------------------- a session's settings


def prepare(spark: SparkSession, platform: Platform) -> None:
    """Lower the log level; let Delta's conflicts arrive as the exceptions of the package delta."""
    if platform is Platform.CLASSIC:
        spark.sparkContext.setLogLevel("ERROR")
    else:
        with suppress(ImportError):  # a runtime without the package delta
            importlib.import_module("delta.connect.exceptions")


@contextmanager
def session_setting(spark: SparkSession, key: str, value: str) -> Iterator[None]:
    """Set a setting of the session and put the former value back. UsageError if it is refused.

    Spark Connect analyses a frame when it is computed, with the settings of that moment. Compute a
    frame inside, or `keep` it.
    """
    before = spark.conf.get(key, None)
    set_for_session(spark, key, value)
    try:
        yield
    finally:
        spark.conf.unset(key) if before is None else spark.conf.set(key, before)


@contextmanager
def passing_setting(spark: SparkSession, key: str, value: str) -> Iterator[None]:
    """Set a setting of the session and unset it: another thread's value is never put back."""
    spark.conf.set(key, value)
    try:
        yield
    finally:
        spark.conf.unset(key)


def set_for_session(spark: SparkSession, key: str, value: str) -> None:
    """UsageError if the platform does not let a session change this setting."""
    try:
        spark.conf.set(key, value)
    except Exception as error:  # a class of pyspark, which the second engine does not have
        reason = str(error).strip().splitlines()[0].partition(" SQLSTATE")[0]
        raise UsageError(
            f"{key} = {value}: this compute refuses the setting: {reason} Use a cluster in place "
            "of serverless compute, or change conf so that the setting is not needed."
        ) from None


@contextmanager
def cancellable(spark: SparkSession) -> Iterator[Callable[[], object]]:
    """Gives a function that cancels the running Spark jobs of this thread, from any thread."""
    tag = f"holdfast-{uuid.uuid4().hex}"
    cancel: Callable[[str], object]
    if platform_of(spark, {}) is Platform.CLASSIC:
        context = spark.sparkContext
        add, cancel, remove = context.addJobTag, context.cancelJobsWithTag, context.removeJobTag
    else:
        add, cancel, remove = spark.addTag, spark.interruptTag, spark.removeTag
    add(tag)
    try:
        yield partial(cancel, tag)
    finally:
        remove(tag)


def session_of_its_own(spark: SparkSession) -> SparkSession:
    """Another session of the same application: a stream's settings reach no other statement.

    On Connect a session has one client only, which is used as it is.
    """
    if platform_of(spark, {}) is not Platform.CLASSIC:
        return spark
    own = spark.newSession()
    zone = "spark.sql.session.timeZone"
    own.conf.set(zone, str(spark.conf.get(zone)))
    return own


# ---------------------------------------------------------------------- frames that are reused


class KeptFrames:
    """Frames that are computed once and used several times.

    classic: cached in memory and on disk. connect: a local checkpoint. Connect analyses a plan at
    each use, so a cached frame would be computed again under other settings, such as another time
    zone. serverless: a temporary Delta table.
    """

    def __init__(self, platform: Platform, tables: TemporaryTables) -> None:
        self.platform, self._tables = platform, tables
        self._kept: list[DataFrame] = []

    def keep(self, frame: DataFrame) -> DataFrame:
        """The frame, computed once."""
        kept = self.cached(frame)
        self._kept.append(kept)
        return kept

    def cached(self, frame: DataFrame) -> DataFrame:
        """The frame, computed once. The caller frees it with `free`."""
        if self.platform is Platform.CLASSIC:
            return frame.persist(StorageLevel.MEMORY_AND_DISK)
        return self.cut(frame)

    def cut(self, frame: DataFrame) -> DataFrame:
        """The frame, computed once and without its lineage."""
        if self.platform is Platform.SERVERLESS:
            return self._tables.store(frame)
        return frame.localCheckpoint()

    def free(self, frame: DataFrame) -> None:
        """Free a frame of `cached`. A local checkpoint is freed when nothing refers to it."""
        if self.platform is Platform.CLASSIC:
            frame.unpersist()
        elif self.platform is Platform.SERVERLESS:
            self._tables.discard(frame)

    def forget(self) -> None:
        """Free every frame of `keep`."""
        while self._kept:
            self.free(self._kept.pop())


# ---------------------------------------------------------------------- the JVM


def running_tasks(spark: SparkSession) -> str:
    """Finished and all tasks of the stages that run, as text; empty if none runs.

    Empty on Connect: its client does not see stages.
    """
    if platform_of(spark, {}) is not Platform.CLASSIC:
        return ""
    tracker = spark.sparkContext.statusTracker()
    stages = [s for n in tracker.getActiveStageIds() if (s := tracker.getStageInfo(n))]
    if not stages:
        return ""
    done, all_tasks = sum(s.numCompletedTasks for s in stages), sum(s.numTasks for s in stages)
    return f"Spark: {done} of {plural(all_tasks, 'task')}"


def hadoop_file(spark: Any, location: str) -> tuple[Any, Any] | None:
    """A file as a stream of the JVM, and the codec for its name (or null). None: no JVM."""
    try:
        jvm, conf = spark._jvm, spark._jsc.hadoopConfiguration()
    except AttributeError:  # also raised by Spark Connect
        return None
    hadoop = jvm.org.apache.hadoop
    path = hadoop.fs.Path(location)
    codec = hadoop.io.compress.CompressionCodecFactory(conf).getCodec(path)
    return path.getFileSystem(conf).open(path), codec


def remove_folder(spark: Any, folder: str) -> None:
    """Delete a folder with its files, if it exists. Without a JVM only a local one is deleted."""
    try:
        jvm, conf = spark._jvm, spark._jsc.hadoopConfiguration()
    except AttributeError:  # also raised by Spark Connect
        address = urlsplit(folder)
        if address.scheme in ("", "file"):
            shutil.rmtree(address.path, ignore_errors=True)
        return
    path = jvm.org.apache.hadoop.fs.Path(folder)
    path.getFileSystem(conf).delete(path, True)
