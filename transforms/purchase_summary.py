"""The BTYD summary: frequency, recency, T and monetary value of each customer at many cut dates.

Source: Fader, Hardie & Lee 2005. A purchase is a customer-day, with its amounts summed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, functions as F

from transforms.purchases import lines_by_visibility

# Of the purchase days visible at a date: their number, first and last, cents of all, of the first.
OBSERVED = ("days", "first_day", "last_day", "cents", "first_cents")


def purchase_lines(transactions: DataFrame) -> DataFrame:
    """One row per receipt line: customer_id, day, visible_from, cents, is_purchase (0 or 1)."""
    return lines_by_visibility(transactions).select(
        "customer_id", "day", "visible_from", "cents", "is_purchase"
    )


def purchase_totals(transactions: DataFrame) -> DataFrame:
    """One row per (customer_id, day, visible_from): cents net of returns, and is_purchase.

    is_purchase is 0 for returns alone; these may belong to a purchase that became visible earlier.
    """
    return (
        purchase_lines(transactions)
        .groupBy("customer_id", "day", "visible_from")
        .agg(F.sum("cents").alias("cents"), F.max("is_purchase").alias("is_purchase"))
    )


def purchase_summary(purchases: DataFrame, as_of_dates: Sequence[dt.date]) -> DataFrame:
    """One row per (customer_id, as_of) with a purchase before as_of.

    `purchases` are `purchase_lines`, or their `purchase_totals`.

    frequency: purchase days after the first. recency_days: days from the first to the last purchase
    day. T_days: days from the first purchase day to as_of - 1, the last day observed.
    monetary_value: mean total of the repeat days, currency; null without repeat days. With as_of
    2026-02-01:

    | day: amount | frequency | recency_days | T_days | monetary_value |
    |---|---|---|---|---|
    | 2026-01-01: 9, 2026-01-11: 5, 2026-01-21: 7 | 2 | 20 | 30 | (5 + 7) / 2 = 6 |
    | 2026-01-11: 5, 2026-01-11: 7 | 0 | 0 | 20 | null |
    | 2026-01-01: 9, 2026-01-31: 4, 2026-02-01: 8 | 1 | 30 | 30 | 4 |

    The dates are columns of both aggregations, so that rows are not multiplied by the number of
    dates.
    """
    dates = sorted(set(as_of_dates))
    lines = purchases.where(F.col("visible_from") <= F.lit(dates[-1]))
    days = lines.groupBy("customer_id", "day").agg(
        *[sums for i, date in enumerate(dates) for sums in _of_day(i, date, dates[-1])]
    )
    customers = days.groupBy("customer_id").agg(
        *[column for i in range(len(dates)) for column in _of_customer(i)]
    )
    at_dates = [
        F.struct(
            F.lit(date).cast("date").alias("as_of"),
            *[F.col(f"{name}_{i}").alias(name) for name in OBSERVED],
        )
        for i, date in enumerate(dates)
    ]
    rows = customers.select("customer_id", F.explode(F.array(*at_dates)).alias("at"))
    rows = rows.select("customer_id", *[F.col(f"at.{n}").alias(n) for n in ("as_of", *OBSERVED)])
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
    """State of a customer-day at a date: its cents, and whether it had a purchase."""

    def seen(column: str) -> Column:
        # All lines are visible at the last date.
        value = F.col(column)
        return value if date == last else F.when(F.col("visible_from") <= F.lit(date), value)

    return (
        F.sum(seen("cents")).alias(f"cents_{place}"),
        F.max(seen("is_purchase")).alias(f"is_purchase_{place}"),
    )


def _of_customer(place: int) -> list[Column]:
    """The columns of OBSERVED at a date."""
    is_day = F.col(f"is_purchase_{place}") == 1
    day, cents = F.when(is_day, F.col("day")), F.when(is_day, F.col(f"cents_{place}"))
    values = (F.count(day), F.min(day), F.max(day), F.sum(cents), F.min_by(cents, day))
    return [v.alias(f"{name}_{place}") for name, v in zip(OBSERVED, values, strict=True)]
