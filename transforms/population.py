"""The customers known at an as_of: every id that any source has by then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import DataFrame, functions as F

from contracts.silver import SILVER
from transforms.visibility import visible_from, with_each_as_of

EVENT_TIMES = {t.name: t.event_time for t in SILVER if t.event_time}


def first_seen(silver: Mapping[str, DataFrame]) -> DataFrame:
    """One row per customer id of any silver table: customer_id, visible_from (first as_of)."""
    seen = [
        rows.select("customer_id", visible_from(EVENT_TIMES[name]).alias("visible_from"))
        for name, rows in sorted(silver.items())
        if name in EVENT_TIMES
    ]
    if "silver.customers" in silver:
        known = F.date_add(F.col("valid_from").cast("date"), 1).cast("date")
        seen.append(silver["silver.customers"].select("customer_id", known.alias("visible_from")))
    together = reduce(DataFrame.unionByName, [_earliest(rows) for rows in seen])
    return _earliest(together)


def _earliest(rows: DataFrame) -> DataFrame:
    known = rows.where(F.col("customer_id").isNotNull())
    return known.groupBy("customer_id").agg(F.min("visible_from").alias("visible_from"))


def known_customers(silver: Mapping[str, DataFrame], as_of_dates: Sequence[dt.date]) -> DataFrame:
    """One row per (customer_id, as_of): the spine to which every feature table is left-joined."""
    return with_each_as_of(first_seen(silver), as_of_dates).select("customer_id", "as_of")


def customers_before(purchases: DataFrame, as_of: dt.date) -> DataFrame:
    """One row: `customers`, those with a purchase before as_of."""
    before = purchases.where(F.col("purchased_at").cast("date") < F.lit(as_of))
    return before.agg(F.countDistinct("customer_id").alias("customers"))
