"""Vector columns of pyspark.ml, which its learners read instead of single columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def with_vector(frame: DataFrame, names: Sequence[str], column: str = "features") -> DataFrame:
    """Add `column`: the named columns as one vector."""
    from pyspark.ml.feature import VectorAssembler

    return VectorAssembler(inputCols=list(names), outputCol=column).transform(frame)


def sliced_vector(frame: DataFrame, positions: Sequence[int]) -> DataFrame:
    """Keep only these positions of the vector `features`."""
    from pyspark.ml.feature import VectorSlicer

    slicer = VectorSlicer(inputCol="features", outputCol="sliced", indices=list(positions))
    sliced = slicer.transform(frame).drop("features")
    return sliced.withColumnRenamed("sliced", "features")
