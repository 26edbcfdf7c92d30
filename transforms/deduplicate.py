"""Which rows of a source are there already: the same key, and the same or other content."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window, functions as F

from contracts.rules import DUPLICATE, KEPT, QUARANTINED, UNIQUE_KEY


def content_hash(columns: Sequence[str]) -> Column:
    """Hash of what a row says; when it was known is no content.

    xxhash64 passes over nulls: without the flags (1, null) and (null, 1) would say the same.
    """
    return F.xxhash64(*columns, *[F.col(c).isNull() for c in columns])


def with_outcome(
    rows: DataFrame,
    key: Sequence[str],
    order: Sequence[str],
    kept_before: DataFrame | None = None,
) -> DataFrame:
    """Adds `_outcome` (kept, quarantined, duplicate); a row with `_errors` is quarantined.

    Of the rows without errors that share a key the first by `order` is kept: one of `kept_before`
    (key, content_hash and the columns of `order`, of rows kept earlier), else one of these. A row
    with the kept one's content is a duplicate; any other is quarantined as unique_key. A row with a
    null in its key is kept: it names nothing that could stand twice. No key: nothing is dropped.
    """
    flagged = rows.withColumn(
        "_outcome", F.when(F.col("_errors").isNull(), F.lit(KEPT)).otherwise(F.lit(QUARANTINED))
    )
    if not key:
        return flagged
    has_key = F.col(key[0]).isNotNull()
    for column in key[1:]:
        has_key &= F.col(column).isNotNull()
    is_in_play = F.col("_errors").isNull() & has_key
    both = flagged.withColumn("_is_before", F.lit(False))
    if kept_before is not None:
        both = both.unionByName(
            kept_before.withColumn("_is_before", F.lit(True)), allowMissingColumns=True
        )
    # Rows out of play share a key with none of those in play; the hash spreads them.
    apart = F.when(~is_in_play, F.col("content_hash"))
    same_key = Window.partitionBy(*key, apart).orderBy(F.desc("_is_before"), *order)
    so_far = same_key.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    is_later = is_in_play & (F.row_number().over(same_key) > 1)
    is_same = F.first("content_hash").over(so_far) == F.col("content_hash")
    found = both.withColumns({"_is_repeated": is_later, "_is_same": is_same})
    is_duplicate = F.col("_is_repeated") & F.col("_is_same")
    is_conflict = F.col("_is_repeated") & ~F.col("_is_same")
    return (
        found.where(~F.col("_is_before"))
        .withColumns(
            {
                "_outcome": F.when(is_duplicate, F.lit(DUPLICATE))
                .when(is_conflict, F.lit(QUARANTINED))
                .otherwise(F.col("_outcome")),
                "_errors": F.when(is_conflict, F.lit(UNIQUE_KEY)).otherwise(F.col("_errors")),
            }
        )
        .drop("_is_before", "_is_repeated", "_is_same")
    )
