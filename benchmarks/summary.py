"""Receipts to frequency, recency, T and monetary value: Spark against lifetimes and DuckDB."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from pyspark.sql import functions as F

from benchmarks.data import stored
from benchmarks.measure import Section, cost
from transforms.purchase_summary import purchase_lines, purchase_summary

CUT = dt.date(2018, 6, 25)
LINES = 10_000_000
# Keeps the groups of a task in the CPU cache. The local profile has fewer, for small tables.
PARTITIONS = 64
DUCK = """
WITH days AS (
  SELECT customer_id, CAST(purchased_at AS DATE) AS day, sum(CAST(amount * 100 AS BIGINT)) AS cents
  FROM '{path}/*.parquet' GROUP BY ALL)
SELECT count(*), sum(n - 1), sum(span), sum(t),
  sum((total - first_cents) / nullif(n - 1, 0) / 100.0)
FROM (SELECT customer_id, count(*) AS n, date_diff('day', min(day), max(day)) AS span,
        date_diff('day', min(day), DATE '{cut}') - 1 AS t, sum(cents) AS total,
        arg_min(cents, day) AS first_cents FROM days GROUP BY customer_id)
"""


def by_spark(spark: Any, path: str) -> tuple[float, ...]:
    """Number of customers and sums of the columns, from the summary of the product."""
    rows = purchase_summary(purchase_lines(spark.read.parquet(path)), [CUT])
    return tuple(
        rows.agg(
            F.count("*"),
            *[F.sum(c) for c in ("frequency", "recency_days", "T_days", "monetary_value")],
        ).collect()[0]
    )


def by_lifetimes(path: str) -> tuple[float, ...]:
    """Number of customers and sums of the columns, from lifetimes in pandas."""
    from lifetimes.utils import summary_data_from_transaction_data

    rows = pd.read_parquet(path, columns=["customer_id", "purchased_at", "amount"])
    rows["amount"] = rows["amount"].astype(float)
    rows["purchased_at"] = rows["purchased_at"].dt.tz_localize(None)
    summary = summary_data_from_transaction_data(
        rows,
        "customer_id",
        "purchased_at",
        "amount",
        observation_period_end=CUT - dt.timedelta(days=1),
    )
    money = summary.loc[summary.frequency > 0, "monetary_value"].sum()
    return (len(summary), summary.frequency.sum(), summary.recency.sum(), summary["T"].sum(), money)


def by_duckdb(path: str) -> tuple[float, ...]:
    """Number of customers and sums of the columns, from the same summary in SQL."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; SET threads = 2")
    return connection.execute(DUCK.format(path=path, cut=CUT)).fetchall()[0]


def run(spark: Any, folder: Path) -> Section:
    """Measure the three implementations and assert that their sums are equal."""
    section = Section(
        f"BTYD summary of {LINES // 1_000_000} million receipt lines",
        f"500,000 customers, {PARTITIONS} shuffle partitions. Includes reading Parquet; best of "
        "three (lifetimes: one run). The sums of all columns are equal to 1e-9.",
        ("implementation", "wall seconds", "CPU seconds", "wall time of lifetimes / this"),
    )
    spark.conf.set("spark.sql.shuffle.partitions", str(PARTITIONS))
    # 500,000 customers with ten orders of two lines each.
    size = {"lines_per_order": 2, "orders_per_customer": 10}
    path = stored(spark, folder, LINES, **size)
    by_spark(spark, stored(spark, folder, 100_000, **size))
    lifetimes, of_lifetimes = cost(lambda: by_lifetimes(path))
    ours, of_spark = cost(lambda: by_spark(spark, path), 3)
    duck, of_duckdb = cost(lambda: by_duckdb(path), 3)
    for who, taken in (
        ("lifetimes", lifetimes),
        ("holdfast, Spark", ours),
        ("DuckDB, handwritten SQL", duck),
    ):
        section.add(who, taken.wall, taken.cpu, lifetimes.wall / taken.wall)
    for other in (of_spark, of_duckdb):
        for a, b in zip(of_lifetimes, other, strict=True):
            assert abs(float(a) - float(b)) <= 1e-9 * abs(float(a)), (of_lifetimes, other)
    section.reach_both("lifetimes / Spark", lifetimes / ours, 3)
    section.reach_both("Spark / DuckDB", ours / duck, 5, at_least=False)
    return section
