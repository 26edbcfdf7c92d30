"""Rows that a learner is fitted on: in Spark, or in this process if they are few.

Each function takes either kind and returns the same kind, with the same rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np

from models.matrix_rows import CUSTOMER_HASH, MatrixRows, collected
from models.spark_vectors import sliced_vector, with_vector
from runtime.context import Context
from transforms.training_rows import with_split
from transforms.training_samples import with_fold

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

FitRows: TypeAlias = "DataFrame | MatrixRows"
# The columns of a row beside its matrix.
ALSO = ("customer_id", "as_of", "split", "churned")


def shared(
    context: Context,
    frame: DataFrame,
    names: Sequence[str],
    *,
    partitions: int | None = None,
    in_spark: bool = False,
) -> FitRows:
    """The rows in this process if they are few enough, else kept in Spark.

    In Spark they are repartitioned by customer and sorted, so that row order and partitions depend
    on the rows only. partitions: None for a learner of pyspark.ml, which reads the columns as one
    vector.
    """
    training = context.settings.training
    if not in_spark and frame.count() <= training.rows_in_one_process:
        return collected(frame, names)
    if partitions is None:
        frame = with_vector(frame, names).select(*ALSO, "features")
    spread = frame.repartition(partitions or training.partitions, "customer_id")
    return context.lake.keep(spread.sortWithinPartitions("as_of", "customer_id"))


def of_splits(rows: FitRows, splits: Collection[str]) -> FitRows:
    """The rows of the named splits."""
    if isinstance(rows, MatrixRows):
        return rows.where(rows.keys["split"].isin(splits))
    named = ", ".join(f"'{split}'" for split in splits)
    return rows.where(f"split IN ({named})")


def before(rows: FitRows, day: dt.date) -> FitRows:
    """The rows with an as_of before the day."""
    if isinstance(rows, MatrixRows):
        return rows.where(rows.keys["as_of"] < day)
    return rows.where(f"as_of < DATE'{day}'")


def split_again(rows: FitRows, split_of: Mapping[dt.date, str]) -> FitRows:
    """The rows with other splits by date, without those of other dates and of the test date."""
    if isinstance(rows, MatrixRows):
        keys = rows.keys.assign(split=rows.keys["as_of"].map(split_of))
        is_known = keys["split"].notna() & (keys["split"] != "test")
        return MatrixRows(keys, rows.x).where(is_known)
    return with_split(rows, split_of).where("split <> 'test'")


def folded(rows: FitRows, folds: int) -> FitRows:
    """The rows with `fold`, as `with_fold` adds it."""
    if isinstance(rows, MatrixRows):
        fold = np.mod(rows.keys[CUSTOMER_HASH], folds).astype(np.int32)
        return MatrixRows(rows.keys.assign(fold=fold), rows.x)
    return with_fold(rows, folds)


def outside_fold(rows: FitRows, number: int) -> FitRows:
    """The rows of the customers in the other folds. The rows have `fold`."""
    if isinstance(rows, MatrixRows):
        return rows.where(rows.keys["fold"] != number)
    return rows.where(f"fold <> {number}")


def counts_by_fold(rows: FitRows, column: str) -> list[tuple[int, int]]:
    """(value of the column, rows) of each fold and value, at most two per fold."""
    if isinstance(rows, MatrixRows):
        counted = rows.keys.groupby(["fold", column]).size()
        return [(int(value), int(count)) for (_, value), count in counted.items()]
    counts = rows.groupBy("fold", column).count().collect()  # at most two rows per fold
    return [(int(row[column]), int(row["count"])) for row in counts]


def with_columns(
    rows: FitRows, names: Sequence[str], positions: Sequence[int]
) -> tuple[FitRows, list[str]]:
    """The rows with only these columns of the matrix, and their names."""
    kept = [names[position] for position in positions]
    if isinstance(rows, MatrixRows):
        return rows.with_columns(positions), kept
    if "features" not in rows.columns:
        return rows, kept
    return sliced_vector(rows, positions), kept


def joined(rows: FitRows, labels: DataFrame) -> FitRows:
    """The rows that have labels, with the further columns of the labels.

    labels: one row per (customer_id, as_of). Of rows in this process they are as few.
    """
    keys = ["customer_id", "as_of"]
    if not isinstance(rows, MatrixRows):
        return rows.join(labels, on=keys, how="inner")
    places = rows.keys.assign(place=np.arange(len(rows)))
    both = places.merge(cast("pd.DataFrame", labels.toPandas()), on=keys, how="inner")
    both = both.sort_values("place", ignore_index=True)
    return MatrixRows(both.drop(columns="place"), rows.x[both["place"].to_numpy()])
