"""Generated receipts: reproducible from hashes, whatever the partitions."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession, functions as F

FIRST_DAY, DAYS = "2017-01-01", 540


def receipts(spark: SparkSession, lines: int, an_order: int = 9, a_customer: int = 22) -> DataFrame:
    """`lines` rows of silver.transactions' columns; lines an order, and orders a customer.

    Customers differ in how long they stay and how often they buy.
    """
    orders = max(1, lines // an_order)
    customers = max(1, orders // a_customer)

    def draw(salt: str, of: str) -> F.Column:  # type: ignore[name-defined]
        return F.pmod(F.xxhash64(F.col(of), F.lit(salt)), F.lit(1_000_000)) / 1_000_000.0

    rows = spark.range(lines).select("id", F.floor(F.col("id") / an_order).alias("order"))
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
    spark: SparkSession, folder: Path, lines: int, an_order: int = 9, a_customer: int = 22
) -> str:
    """Path of a Parquet folder with that many lines; written once."""
    path = str(folder / f"receipts_{lines}_{an_order}_{a_customer}")
    if not (Path(path) / "_SUCCESS").exists():
        receipts(spark, lines, an_order, a_customer).write.mode("overwrite").parquet(path)
    return path
