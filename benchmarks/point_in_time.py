"""Windowed features at six dates: one pass against one aggregation per date and window."""

from __future__ import annotations

import datetime as dt
from functools import reduce
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, functions as F

from benchmarks.data import stored
from benchmarks.measure import Cost, Section, cost
from transforms.population import known_customers
from transforms.transaction_features import transaction_features

WINDOWS = (7, 30, 60, 90, 180, 365)
DATES = [dt.date(2018, 6, 1) - dt.timedelta(days=30 * n) for n in range(6)]
MEASURES = ("purchases", "revenue", "products", "discounts")


def ours(lines: DataFrame, dates: list[dt.date]) -> DataFrame:
    """features.transactions at the dates, with all columns. One row per customer and date."""
    spine = known_customers({"silver.transactions": lines}, dates)
    signups = spine.select("customer_id", "as_of", F.lit(None).cast("date").alias("signup_on"))
    return transaction_features(lines, spine, signups, as_of_dates=dates, windows=WINDOWS)


def one_by_one(lines: DataFrame, dates: list[dt.date]) -> DataFrame:
    """Only the windowed columns, in the usual way: one groupBy per date and window, joined.

    One row per customer and date.
    """
    tables = []
    for date in dates:
        parts = []
        for days in WINDOWS:
            start = date - dt.timedelta(days=days)
            inside = lines.where(
                (F.col("purchased_at") >= F.lit(start)) & (F.col("purchased_at") < F.lit(date))
            )
            parts.append(
                inside.groupBy("customer_id").agg(
                    F.countDistinct("order_id").alias(f"purchases_{days}d"),
                    F.sum("amount").cast("double").alias(f"revenue_{days}d"),
                    F.countDistinct("product_id").alias(f"products_{days}d"),
                    F.sum((F.col("discount") > 0).cast("int")).alias(f"discounts_{days}d"),
                )
            )
        known = lines.where(F.col("purchased_at") < F.lit(date)).select("customer_id").distinct()
        joined = reduce(lambda a, b: a.join(b, on="customer_id", how="left"), parts, known)
        tables.append(joined.select("*", F.lit(date).alias("as_of")))
    return reduce(DataFrame.unionByName, tables)


SHARED = [f"{m}_{d}d" for d in WINDOWS for m in MEASURES]


def check(rows: DataFrame) -> tuple[float, ...]:
    """Number of rows and sums of the windowed columns."""
    sums = rows.agg(F.count("*"), *[F.sum(n) for n in SHARED]).collect()[0]
    return tuple(float(v or 0) for v in sums)


def shared(rows: DataFrame) -> DataFrame:
    """The columns that both implementations compute."""
    return rows.select("customer_id", "as_of", *SHARED)


def whole(rows: DataFrame) -> None:
    """Compute all columns, without storing them."""
    rows.write.format("noop").mode("overwrite").save()


def run(spark: Any, folder: Path) -> Section:
    """Measure both implementations and assert that their results are equal."""
    section = Section(
        "Point-in-time features, 1 million receipt lines, six dates, six windows",
        "The 24 windowed columns in both ways, and all 53 columns of features.transactions. "
        "Warmed up; best of four (one aggregation per date and window: best of two). Counts and "
        "sums of the shared columns are equal.",
        ("implementation", "dates", "columns", "wall seconds", "CPU seconds"),
    )
    lines = spark.read.parquet(stored(spark, folder, 1_000_000))
    equal = zip(check(ours(lines, DATES)), check(one_by_one(lines, DATES)), strict=True)
    assert all(abs(a - b) <= 1e-9 * max(1.0, abs(a)) for a, b in equal)
    slow, _ = cost(lambda: whole(one_by_one(lines, DATES)), 2)
    six, _ = cost(lambda: whole(ours(lines, DATES)), 4)
    first, _ = cost(lambda: whole(ours(lines, DATES[:1])), 4)
    same, _ = cost(lambda: whole(shared(ours(lines, DATES))), 4)
    section.add("one aggregation per date and window", 6, 24, slow.wall, slow.cpu)
    section.add("holdfast", 6, 24, same.wall, same.cpu)
    section.add("holdfast", 6, 53, six.wall, six.cpu)
    section.add("holdfast", 1, 53, first.wall, first.cpu)
    section.reach_both("one aggregation per date and window / holdfast, 24 columns", slow / same, 6)
    section.reach_both("the same / holdfast with all 53 columns", slow / six, 6)
    further = Cost((six.wall / first.wall - 1) / 5, (six.cpu / first.cpu - 1) / 5)
    section.reach_both("each further date / the first date", further, 0.10, at_least=False)
    return section


def curve(spark: Any, folder: Path) -> Section:
    """Measure how the time grows with the data."""
    section = Section(
        "Feature tables as the data grow",
        "Six dates, all 53 columns, warmed up, best of two.",
        ("receipt lines", "wall seconds", "CPU seconds", "wall seconds per million lines"),
    )
    whole(ours(spark.read.parquet(stored(spark, folder, 1_000_000)), DATES))
    taken = {}
    for millions in (1, 3, 10):
        path = stored(spark, folder, millions * 1_000_000)
        taken[millions], _ = cost(lambda path=path: whole(ours(spark.read.parquet(path), DATES)), 2)  # type: ignore[misc]
        wall = taken[millions].wall
        section.add(f"{millions} million", wall, taken[millions].cpu, wall / millions)
    ratio = taken[10] / taken[1]
    grown = Cost(ratio.wall / 10, ratio.cpu / 10)
    section.reach_both("time x10 / data x10", grown, 1.0, at_least=False)
    return section
