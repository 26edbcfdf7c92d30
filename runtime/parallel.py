"""Independent Spark work side by side, as pyspark.ml's CrossValidator does with `parallelism`."""

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
    spark: SparkSession, function: Callable[[Item], Result], items: Iterable[Item], at_once: int
) -> list[Result]:
    """The results in the order of the items, at most `at_once` of them worked on together.

    A fit of a small table leaves most cores idle between its stages; another fit fills them. The
    first error, in the order of the items, is raised when those begun have ended.
    """
    if at_once == 1:
        return [function(item) for item in items]
    # Threads take over the session with its local properties.
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        return list(pool.map(inheritable_thread_target(spark)(function), items))
