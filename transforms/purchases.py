"""Receipt lines -> customer-days: everything that depends on an as_of works on these.

Sums of money are kept in cents (bigint), so that no result depends on the order of addition.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window, functions as F

from transforms.visibility import visible_from

# Dayofweek counts from Sunday = 1 in both engines.
WEEKEND = (1, 7)


def is_purchase() -> Column:
    """A kept line of any amount but a return: returns reduce revenue and are no purchase."""
    return F.col("amount") >= 0


def in_cents(amount: str) -> Column:
    """A decimal(18,2) as whole cents (bigint).

    By way of a double, exact below 9e13 cents: a product of two decimals, and Spark's round, make
    objects of every value and cost more than all the rest of a line.
    """
    return F.floor(F.col(amount).cast("double") * 100 + 0.5).cast("bigint")


def lines_by_visibility(transactions: DataFrame) -> DataFrame:
    """One row a kept line: customer_id, order_id, product_id, day, visible_from, cents, flags.

    Spread by customer once: every later grouping and window finds its rows together, where each
    would move them again by keys of its own.
    """
    return transactions.select(
        "customer_id",
        "order_id",
        "product_id",
        F.col("purchased_at").cast("date").alias("day"),
        visible_from("purchased_at").alias("visible_from"),
        in_cents("amount").alias("cents"),
        is_purchase().cast("int").alias("is_purchase"),
        F.coalesce(F.col("discount") > 0, F.lit(False)).cast("int").alias("has_discount"),
    ).repartition("customer_id")


def customer_days(lines: DataFrame) -> DataFrame:
    """One row a (customer_id, day, visible_from): what was bought that day and seen from then.

    An order is counted once, on the day of its purchase line that was seen first (ties: the
    earlier day), so counts add up over days whatever arrives late.
    """
    parts = lines.groupBy("customer_id", "order_id", "day", "visible_from").agg(
        F.sum("cents").alias("cents"),
        F.sum("is_purchase").alias("purchase_lines"),
        F.sum("has_discount").alias("discount_lines"),
        F.sum(1 - F.col("is_purchase")).alias("return_lines"),
    )
    parts = parts.select("*", (F.col("purchase_lines") == 0).cast("int").alias("is_return"))
    first = Window.partitionBy("customer_id", "order_id").orderBy(
        "is_return", "visible_from", "day"
    )
    counted = parts.select("*", F.row_number().over(first).alias("place")).select(
        "*",
        F.when((F.col("place") == 1) & (F.col("purchase_lines") > 0), 1)
        .otherwise(0)
        .alias("order"),
    )
    return counted.groupBy("customer_id", "day", "visible_from").agg(
        F.sum("order").alias("orders"),
        F.sum("cents").alias("cents"),
        F.sum("purchase_lines").alias("purchase_lines"),
        F.sum("discount_lines").alias("discount_lines"),
        F.sum("return_lines").alias("return_lines"),
    )


def product_last_days(lines: DataFrame, as_of_dates: Sequence[dt.date]) -> DataFrame:
    """One row a (customer_id, day, first_as_of, last_as_of): products last bought on `day`.

    For the as_of dates from first_as_of to last_as_of, `products` of the customer's products were
    bought on `day` for the last time; so a sum over the days of a window counts each product once.
    """
    bought = lines.where((F.col("is_purchase") == 1) & F.col("product_id").isNotNull())
    latest = bought.groupBy("customer_id", "product_id", "visible_from").agg(
        F.max("day").alias("day")
    )
    of_product = Window.partitionBy("customer_id", "product_id").orderBy("visible_from")
    before = of_product.rowsBetween(Window.unboundedPreceding, -1)
    moved = latest.select("*", F.max("day").over(before).alias("day_before")).where(
        F.col("day_before").isNull() | (F.col("day") > F.col("day_before"))
    )
    spans = moved.select("*", F.lead("visible_from").over(of_product).alias("next_from"))
    spans = spans.select(
        "customer_id",
        "day",
        _first_at_or_after("visible_from", as_of_dates).alias("first_as_of"),
        _last_before("next_from", as_of_dates).alias("last_as_of"),
    )
    used = spans.where(F.col("first_as_of") <= F.col("last_as_of"))
    return used.groupBy("customer_id", "day", "first_as_of", "last_as_of").agg(
        F.count("*").alias("products")
    )


def _first_at_or_after(column: str, as_of_dates: Sequence[dt.date]) -> Column:
    chosen: Column = F.lit(None).cast("date")
    for date in sorted(set(as_of_dates), reverse=True):
        as_of = F.lit(date).cast("date")
        chosen = F.when(F.col(column) <= as_of, as_of).otherwise(chosen)
    return chosen


def _last_before(column: str, as_of_dates: Sequence[dt.date]) -> Column:
    dates = sorted(set(as_of_dates))
    chosen: Column = F.lit(None).cast("date")
    for date in dates:
        as_of = F.lit(date).cast("date")
        chosen = F.when(F.col(column) > as_of, as_of).otherwise(chosen)
    return F.when(F.col(column).isNull(), F.lit(dates[-1]).cast("date")).otherwise(chosen)
