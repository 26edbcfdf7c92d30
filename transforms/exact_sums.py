"""Sums as whole parts (cents, billionths), so that they do not depend on the order of addition."""

from __future__ import annotations

from pyspark.sql import Column, functions as F

CENT, BILLION = 100, 1_000_000_000


def in_parts(value: Column, parts: int, name: str) -> Column:
    """The value in whole parts, named `name`; null stays null."""
    return F.round(value * parts).cast("bigint").alias(name)


def sum_of_parts(column: str, parts: int, name: str | None = None) -> Column:
    """The sum of a column of `in_parts`, in its first unit; null if every value is null."""
    return (F.sum(column).cast("double") / parts).alias(name or column)
