"""The BTYD summary: frequency, recency, T and monetary value of each customer at many cuts.

Source: Fader, Hardie & Lee 2005. A purchase is a customer-day, its amounts summed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import DataFrame, functions as F

from transforms.purchases import is_purchase
from transforms.visibility import visible_from
from udfs.packed_rows import PACKED_DDL, pack
from udfs.purchase_arrays import SUMMARY_DDL, summariser

# Most tasks that can share the work of a summary; each sends its customers in one piece.
BUCKETS = 256


def purchase_lines(transactions: DataFrame) -> DataFrame:
    """One row a receipt line: customer_id, day, visible_from, cents, is_purchase (0 or 1)."""
    # By way of a double: exact below 9e13, and the product of two decimals costs as much as all
    # the rest of the line.
    cents = F.round(F.col("amount").cast("double") * 100).cast("bigint")
    return transactions.select(
        "customer_id",
        F.col("purchased_at").cast("date").alias("day"),
        visible_from("purchased_at").alias("visible_from"),
        cents.alias("cents"),
        is_purchase().cast("bigint").alias("is_purchase"),
    )


def purchase_totals(transactions: DataFrame) -> DataFrame:
    """One row a (customer_id, day, visible_from) with a purchase: its cents, returns included.

    is_purchase is 1. Spread by customer once; all later groupings find their rows together.
    """
    days = (
        purchase_lines(transactions)
        .repartition("customer_id")
        .groupBy("customer_id", "day", "visible_from")
        .agg(F.sum("cents").alias("cents"), F.max("is_purchase").alias("is_purchase"))
    )
    return days.where(F.col("is_purchase") == 1)


def purchase_summary(purchases: DataFrame, as_of_dates: Sequence[dt.date]) -> DataFrame:
    """One row a (customer_id, as_of) with a purchase before as_of; on Spark alone.

    `purchases` are `purchase_lines`, or their `purchase_totals`.

    frequency: purchase days after the first; recency_days: from first to last; T_days: from first
    to as_of - 1, the last day observed; monetary_value: mean of the repeat days' totals, currency,
    null without one.
    """
    bucket = F.pmod(F.xxhash64("customer_id"), F.lit(BUCKETS)).cast("int")
    columns = ("customer_id", "day", "visible_from", "cents", "is_purchase")
    packed = purchases.select(bucket.alias("bucket"), *columns).mapInArrow(pack, PACKED_DDL)
    return packed.repartition("bucket").mapInArrow(summariser(as_of_dates), SUMMARY_DDL)
