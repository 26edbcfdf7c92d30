"""Finds rows that a source has delivered before: the same key, the same or other content."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window, functions as F

from contracts.rules import DUPLICATE, ERASED, KEPT, LEFT_OUT, QUARANTINED, UNIQUE_KEY


def content_hash(columns: Sequence[str]) -> Column:
    """Hash of a row's content; the time at which it became known is not content.

    xxhash64 skips nulls: without the null flags, (1, null) and (null, 1) would have the same hash.
    """
    return F.xxhash64(*columns, *[F.col(c).isNull() for c in columns])


def with_outcome(
    rows: DataFrame,
    key: Sequence[str],
    order: Sequence[str],
    *,
    kept_before: DataFrame | None = None,
) -> DataFrame:
    """One row per input row: adds `_outcome` (kept, quarantined, duplicate, left_out, erased).

    A row with `_is_erased`, if there is this column, is erased. A row with `_is_left_out` is left
    out. Any other row with `_errors` is quarantined. Of the other
    rows that share a key, the first by `order` is kept. Rows of `kept_before` (key, content_hash
    and the columns of `order`, of rows kept earlier) come before all others. A row with the same
    content as the kept one is a duplicate; any other is quarantined as unique_key. A row with a
    null in its key is kept, since it cannot be a duplicate. With an empty key, no row is dropped.
    """
    is_erased = F.col("_is_erased") if "_is_erased" in rows.columns else F.lit(False)
    flagged = rows.withColumn(
        "_outcome",
        F.when(is_erased, F.lit(ERASED))
        .when(F.col("_is_left_out"), F.lit(LEFT_OUT))
        .when(F.col("_errors").isNull(), F.lit(KEPT))
        .otherwise(F.lit(QUARANTINED)),
    ).drop("_is_left_out", "_is_erased")
    if not key:
        return flagged
    has_key = F.col(key[0]).isNotNull()
    for column in key[1:]:
        has_key &= F.col(column).isNotNull()
    is_candidate = (F.col("_outcome") == KEPT) & has_key
    both = flagged.withColumn("_is_before", F.lit(False))
    if kept_before is not None:
        both = both.unionByName(
            kept_before.withColumn("_is_before", F.lit(True)), allowMissingColumns=True
        )
    # Rows with errors or without a key get partitions of their own; the hash spreads them.
    both = both.withColumn("_apart", F.when(~is_candidate, F.col("content_hash")))
    same_key = Window.partitionBy(*key, "_apart").orderBy(F.desc("_is_before"), *order)
    so_far = same_key.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    is_later = is_candidate & (F.row_number().over(same_key) > 1)
    is_same = F.first("content_hash").over(so_far) == F.col("content_hash")
    compared = both.withColumns({"_is_repeated": is_later, "_is_same": is_same})
    is_duplicate = F.col("_is_repeated") & F.col("_is_same")
    is_conflict = F.col("_is_repeated") & ~F.col("_is_same")
    return (
        compared.where(~F.col("_is_before"))
        .withColumns(
            {
                "_outcome": F.when(is_duplicate, F.lit(DUPLICATE))
                .when(is_conflict, F.lit(QUARANTINED))
                .otherwise(F.col("_outcome")),
                "_errors": F.when(is_conflict, F.lit(UNIQUE_KEY)).otherwise(F.col("_errors")),
            }
        )
        .drop("_is_before", "_is_repeated", "_is_same", "_apart")
    )
