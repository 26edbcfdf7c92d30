"""Payments and their labels as the fraud model reads them: microseconds, and amounts in cents."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, functions as F


def payments_as_numbers(
    payments: DataFrame, columns: Sequence[str], *, begin_micros: int, end_micros: int
) -> DataFrame:
    """One row per payment with begin <= paid_at < end (microseconds since 1970, UTC).

    Adds cents (bigint) to `columns`, and paid_at and received_at in microseconds since 1970.
    """
    paid_at = F.expr("unix_micros(paid_at)")
    return payments.where((paid_at >= begin_micros) & (paid_at < end_micros)).select(
        *columns,
        (F.col("amount") * 100).cast("bigint").alias("cents"),
        paid_at.alias("paid_at"),
        F.expr("unix_micros(received_at)").alias("received_at"),
    )


def labelled_before(labels: DataFrame, micros: int) -> DataFrame:
    """The labels that were known before a time (microseconds since 1970, UTC)."""
    return labels.where(F.expr("unix_micros(labelled_at)") < micros)


def with_answered(scored: DataFrame, answered: DataFrame) -> DataFrame:
    """The rows of `answered`, and those of `scored` about other payments.

    Both have the same columns.
    """
    others = scored.join(answered.select("payment_id"), on="payment_id", how="left_anti")
    return others.select(*scored.columns).unionByName(answered.select(*scored.columns))
