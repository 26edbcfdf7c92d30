"""Samples of rows that the driver can hold. The same rows give the same sample in every run."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, functions as F


def hash_sample(rows: DataFrame, columns: Sequence[str], most: int) -> DataFrame:
    """At most `most` rows: those with the smallest hash of `columns`.

    The hash decides, so neither the partitions nor the order of the rows matter. Ties are broken by
    the columns themselves, which must identify a row.
    """
    return rows.orderBy(F.xxhash64(*columns), *columns).limit(most)
