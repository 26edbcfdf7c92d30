"""Independent Spark work in parallel threads, like `parallelism` of pyspark.ml's CrossValidator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from pyspark import inheritable_thread_target

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(
    spark: SparkSession, function: Callable[[Item], Result], items: Iterable[Item], *, at_once: int
) -> list[Result]:
    """One result per item, in the order of the items. At most `at_once` items run in parallel.

    A fit on a small table leaves cores idle between its stages; another fit uses them. If items
    fail, the error of the first one in order is raised after all started items have ended.
    """
    if at_once == 1:
        return [function(item) for item in items]
    # The threads inherit the session's local properties.
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        return list(pool.map(inheritable_thread_target(spark)(function), items))
