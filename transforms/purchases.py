"""Receipt lines aggregated to customer-days, on which everything that depends on an as_of works.

Sums of money are kept in cents (bigint), so that no result depends on the order of addition.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window, functions as F

from transforms.visibility import visible_from

# dayofweek is 1 on Sunday in both engines.
WEEKEND = (1, 7)


def is_purchase() -> Column:
    """True for a line that is not a return. Returns reduce revenue and do not count as purchases.

    | amount | is_purchase |
    |---|---|
    | 9.99 | true |
    | 0.00 | true |
    | -9.99 | false |
    """
    return F.col("amount") >= 0


def in_cents(amount: str) -> Column:
    """A decimal(18,2) as whole cents (bigint); null stays null.

    The conversion goes through a double, exact below 9e13 cents. A product of two decimals, and
    Spark's round, create an object per value and cost more than all other work on a line.

    | amount | in_cents |
    |---|---|
    | 19.99 | 1999 |
    | -0.01 | -1 |
    | null | null |
    """
    return F.floor(F.col(amount).cast("double") * 100 + 0.5).cast("bigint")


def lines_by_visibility(transactions: DataFrame) -> DataFrame:
    """One row per kept line: customer_id, order_id, product_id, day, visible_from, cents, flags.

    Repartitioned by customer once: later groupings and windows then need no shuffle of their own.
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
    """One row per (customer_id, day, visible_from): what was bought that day.

    visible_from is the first as_of that sees these lines. An order is counted once, on the day of
    its first visible purchase line (ties: the earlier day). Counts therefore add up over days, even
    if lines arrive late.
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
    """One row per (customer_id, day, first_as_of, last_as_of): products last bought on `day`.

    For the as_of dates from first_as_of to last_as_of, `products` is the number of the customer's
    products whose last purchase was on `day`. A sum over the days of a window thus counts each
    product once.
    """
    dates = sorted(set(as_of_dates))
    bought = lines.where((F.col("is_purchase") == 1) & F.col("product_id").isNotNull())
    # The dates are columns: no sort by product, and one row per product however often it is bought.
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
    """From columns day_0, day_1, ... (ascending): a struct where a new day begins, else null."""
    spans: list[Column] = []
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
        spans.append(F.when(is_new, span))
    return spans
