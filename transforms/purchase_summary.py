"""The BTYD summary: frequency, recency, T and monetary value of each customer at many cuts.

Source: Fader, Hardie & Lee 2005. A purchase is a customer-day, its amounts summed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, functions as F

from transforms.purchases import lines_by_visibility

# Of the purchase days that a date sees: how many, first and last, cents of all and of the first.
FOUND = ("days", "first_day", "last_day", "cents", "first_cents")


def purchase_lines(transactions: DataFrame) -> DataFrame:
    """One row a receipt line: customer_id, day, visible_from, cents, is_purchase (0 or 1)."""
    return lines_by_visibility(transactions).select(
        "customer_id", "day", "visible_from", "cents", "is_purchase"
    )


def purchase_totals(transactions: DataFrame) -> DataFrame:
    """One row a (customer_id, day, visible_from): cents, returns taken off, and is_purchase (0: of
    returns alone, which may belong to a purchase that was seen earlier)."""
    return (
        purchase_lines(transactions)
        .groupBy("customer_id", "day", "visible_from")
        .agg(F.sum("cents").alias("cents"), F.max("is_purchase").alias("is_purchase"))
    )


def purchase_summary(purchases: DataFrame, as_of_dates: Sequence[dt.date]) -> DataFrame:
    """One row a (customer_id, as_of) with a purchase before as_of.

    `purchases` are `purchase_lines`, or their `purchase_totals`.

    frequency: purchase days after the first; recency_days: from first to last; T_days: from first
    to as_of - 1, the last day observed; monetary_value: mean of the repeat days' totals, currency,
    null without one.

    The dates are columns of both aggregations, so rows do not multiply by them.
    """
    dates = sorted(set(as_of_dates))
    lines = purchases.where(F.col("visible_from") <= F.lit(dates[-1]))
    days = lines.groupBy("customer_id", "day").agg(
        *[sums for i, date in enumerate(dates) for sums in _of_day(i, date, dates[-1])]
    )
    customers = days.groupBy("customer_id").agg(
        *[found for i in range(len(dates)) for found in _of_customer(i)]
    )
    at_dates = [
        F.struct(
            F.lit(date).cast("date").alias("as_of"),
            *[F.col(f"{name}_{i}").alias(name) for name in FOUND],
        )
        for i, date in enumerate(dates)
    ]
    rows = customers.select("customer_id", F.explode(F.array(*at_dates)).alias("at"))
    rows = rows.select("customer_id", *[F.col(f"at.{n}").alias(n) for n in ("as_of", *FOUND)])
    first, repeats = F.col("first_day"), F.col("days") - 1
    return rows.where(F.col("days") > 0).select(
        "customer_id",
        "as_of",
        repeats.alias("frequency"),
        F.datediff(F.col("last_day"), first).cast("bigint").alias("recency_days"),
        (F.datediff(F.col("as_of"), first) - 1).cast("bigint").alias("T_days"),
        F.when(
            repeats > 0, (F.col("cents") - F.col("first_cents")).cast("double") / repeats / 100.0
        ).alias("monetary_value"),
    )


def _of_day(place: int, date: dt.date, last: dt.date) -> tuple[Column, Column]:
    """What a customer-day was at a date: its cents, and whether it had a purchase."""

    def seen(column: str) -> Column:
        # All lines are seen at the last date.
        value = F.col(column)
        return value if date == last else F.when(F.col("visible_from") <= F.lit(date), value)

    return (
        F.sum(seen("cents")).alias(f"cents_{place}"),
        F.max(seen("is_purchase")).alias(f"is_purchase_{place}"),
    )


def _of_customer(place: int) -> list[Column]:
    """FOUND of a date."""
    is_day = F.col(f"is_purchase_{place}") == 1
    day, cents = F.when(is_day, F.col("day")), F.when(is_day, F.col(f"cents_{place}"))
    found = (F.count(day), F.min(day), F.max(day), F.sum(cents), F.min_by(cents, day))
    return [f.alias(f"{name}_{place}") for name, f in zip(FOUND, found, strict=True)]
