"""Row count, content hash and invalid values of a frame, in one aggregation."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column as SparkColumn, functions as F

from contracts.table import Column


def content_measures(columns: Sequence[Column]) -> list[SparkColumn]:
    """Aggregates of a frame: rows, a hash of its content, and counts of invalid values.

    hash does not depend on the order of rows or partitions. null_<name> counts nulls of a NOT NULL
    column, nan_<name> counts NaN and infinity of a floating-point column.
    """
    # xxhash64 skips nulls: without the flags, (1, null) and (null, 1) would have the same hash.
    values = [F.col(c.name) for c in columns]
    is_null = [F.col(c.name).isNull() for c in columns if c.nullable]
    # A sum of row hashes ignores order and partitions. Unlike xor it counts equal rows.
    content = F.sum(F.xxhash64(*values, *is_null).cast("decimal(38,0)"))
    required = [c.name for c in columns if not c.nullable]
    nulls = [F.count_if(F.col(name).isNull()).alias(f"null_{name}") for name in required]
    infinite = [
        F.count_if(F.isnan(c.name) | (F.abs(c.name) == float("inf"))).alias(f"nan_{c.name}")
        for c in columns
        if c.is_floating
    ]
    return [F.count("*").alias("rows"), content.alias("hash"), *nulls, *infinite]
