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
    dates = sorted(set(as_of_dates))
    bought = lines.where((F.col("is_purchase") == 1) & F.col("product_id").isNotNull())
    # The dates are columns: no sort by product, and a product is one row however often bought.
    latest = bought.groupBy("customer_id", "product_id").agg(
        *[
            F.max(F.when(F.col("visible_from") <= F.lit(date).cast("date"), F.col("day"))).alias(
                f"day_{i}"
            )
            for i, date in enumerate(dates)
        ]
    )
    spans = latest.select("customer_id", F.explode(F.array(*_spans(dates))).alias("span"))
    spans = spans.where(F.col("span").isNotNull()).select(
        "customer_id", *[F.col(f"span.{n}").alias(n) for n in ("day", "first_as_of", "last_as_of")]
    )
    return spans.groupBy("customer_id", "day", "first_as_of", "last_as_of").agg(
        F.count("*").alias("products")
    )


def _spans(dates: Sequence[dt.date]) -> list[Column]:
    """Of columns day_0, day_1, ... (never falling): a struct where a new day begins, else null."""
    found: list[Column] = []
    last: Column | None = None
    for i in range(len(dates) - 1, -1, -1):
        as_of, day = F.lit(dates[i]).cast("date"), F.col(f"day_{i}")
        last = (
            as_of if last is None else F.when(F.col(f"day_{i + 1}") == day, last).otherwise(as_of)
        )
        is_new = day.isNotNull()
        if i:
            before = F.col(f"day_{i - 1}")
            is_new = is_new & (before.isNull() | (day > before))
        span = F.struct(day.alias("day"), as_of.alias("first_as_of"), last.alias("last_as_of"))
        found.append(F.when(is_new, span))
    return found
