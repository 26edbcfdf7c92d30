"""Generated receipts. They are hashes of the row number, so they do not depend on partitions."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession, functions as F

FIRST_DAY, DAYS = "2017-01-01", 540


def receipts(
    spark: SparkSession, lines: int, lines_per_order: int = 9, orders_per_customer: int = 22
) -> DataFrame:
    """`lines` rows, one per receipt line, with the columns of silver.transactions.

    Customers differ in how long they stay and how often they buy.
    """
    orders = max(1, lines // lines_per_order)
    customers = max(1, orders // orders_per_customer)

    def draw(salt: str, of: str) -> F.Column:  # type: ignore[name-defined]
        return F.pmod(F.xxhash64(F.col(of), F.lit(salt)), F.lit(1_000_000)) / 1_000_000.0

    order = F.floor(F.col("id") / lines_per_order)
    rows = spark.range(lines).select("id", order.alias("order"))
    rows = rows.select(
        "*", F.floor(F.pow(draw("who", "order"), F.lit(1.6)) * customers).alias("customer")
    )
    stays = 0.1 + 0.9 * draw("stays", "customer")
    day = F.floor(draw("when", "order") * stays * DAYS).cast("int")
    at = F.timestamp_add(
        "SECOND",
        (draw("clock", "order") * 86_000).cast("int"),
        F.date_add(F.lit(FIRST_DAY).cast("date"), day).cast("timestamp"),
    )
    return rows.select(
        F.concat(F.lit("c"), F.col("customer").cast("string")).alias("customer_id"),
        F.concat(F.lit("o"), F.col("order").cast("string")).alias("order_id"),
        F.concat(
            F.lit("p"), F.floor(F.pow(draw("what", "id"), F.lit(3)) * 5_000).cast("string")
        ).alias("product_id"),
        at.alias("purchased_at"),
        F.round(0.5 + 30 * F.pow(draw("price", "id"), F.lit(4)), 2)
        .cast("decimal(18,2)")
        .alias("amount"),
        F.when(draw("off", "id") < 0.2, F.lit(0.5))
        .otherwise(F.lit(0.0))
        .cast("decimal(18,2)")
        .alias("discount"),
        at.alias("known_at"),
    )


def stored(
    spark: SparkSession,
    folder: Path,
    lines: int,
    lines_per_order: int = 9,
    orders_per_customer: int = 22,
) -> str:
    """Path of a Parquet folder with that many lines. It is written only once."""
    path = str(folder / f"receipts_{lines}_{lines_per_order}_{orders_per_customer}")
    if not (Path(path) / "_SUCCESS").exists():
        rows = receipts(spark, lines, lines_per_order, orders_per_customer)
        rows.write.mode("overwrite").parquet(path)
    return path
