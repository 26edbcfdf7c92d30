"""Assigns the control group once, stratified. Assignments are permanent."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import Column, DataFrame, Window, functions as F

from contracts.gold_decisions import HOLD_OUT
from transforms.conform import conform
from udfs.shares import digest_column

PURPOSE = "hold-out"


def newly_drawn(chosen: DataFrame, known: DataFrame, share: float, *, day: dt.date) -> DataFrame:
    """One row per customer who is chosen for an offer for the first time, as in gold.hold_out.

    `chosen`: customer_id, stratum. `known`: gold.hold_out. Within a stratum, new customers are
    appended to the existing ones, ordered by a hash of their ids. One of every 1 / share places is
    held out, starting at an offset of the stratum. Each stratum thus keeps its share to within one
    customer after any number of days, and each customer has the same probability. With share 0.25
    and offset 0.6, a place is held out where the count grows:

    | place | floor(place x share + offset) | is_held_out |
    |---|---|---|
    | 1 | 0 | false |
    | 2 | 1 | true |
    | 3 | 1 | false |
    | 4 | 1 | false |
    | 5 | 1 | false |
    | 6 | 2 | true |
    | 7 | 2 | false |
    | 8 | 2 | false |
    """
    before = known.groupBy("stratum").agg(F.count("*").alias("assigned"))
    ids = known.select("customer_id", F.lit(True).alias("is_known"))
    joined = chosen.join(ids, on="customer_id", how="left")
    fresh = joined.where(F.col("is_known").isNull()).select("customer_id", "stratum")
    queue = Window.partitionBy("stratum").orderBy("drawn", "customer_id")
    hashed = fresh.select(
        "customer_id", "stratum", digest_column(PURPOSE, "customer_id").alias("drawn")
    )
    placed = hashed.select(
        "customer_id",
        "stratum",
        F.row_number().over(queue).alias("turn"),
        _start(digest_column(PURPOSE, "stratum")).alias("start"),
    )
    counted = placed.join(before, on="stratum", how="left").select(
        "customer_id",
        "stratum",
        (F.col("turn") + F.coalesce(F.col("assigned"), F.lit(0))).alias("place"),
        "start",
    )
    steps = [F.floor((F.col("place") - back) * F.lit(share) + F.col("start")) for back in (0, 1)]
    rows = counted.select(
        "customer_id",
        "stratum",
        (steps[0] > steps[1]).alias("is_held_out"),
        F.lit(day).cast("date").alias("assigned_on"),
    )
    return conform(rows, HOLD_OUT)


def with_hold_out(decisions: DataFrame, drawn: DataFrame) -> DataFrame:
    """One row per decision: is_held_out is true for an offer to a customer in the control group."""
    held = drawn.where("is_held_out").select("customer_id", F.lit(True).alias("is_out"))
    joined = decisions.join(held, on="customer_id", how="left")
    is_held_out = F.col("is_out").isNotNull() & F.col("offer_id").isNotNull()
    return joined.select(
        *[is_held_out.alias(c) if c == "is_held_out" else F.col(c) for c in decisions.columns]
    )


def _start(digest: Column) -> Column:
    """The offset: a number in [0, 1) from three hexadecimal digits."""
    whole = F.lit(0.0)
    for place in (1, 2, 3):
        code = F.ascii(F.substring(digest, place, 1))
        digit = code - F.when(code > 57, 87).otherwise(48)  # "a" is 97 and means 10, "0" is 48
        whole = whole + digit / F.lit(16.0**place)
    return whole
