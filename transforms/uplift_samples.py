"""Bounded samples of campaign rows. A hash selects them, so every run takes the same customers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import DataFrame, functions as F

from transforms.slices import at_dates


def first_by_hash(
    rows: DataFrame, most_rows: int, key: Sequence[str] = ("customer_id",)
) -> DataFrame:
    """At most `most_rows` rows, the first by a hash of customer_id. Spark only: xxhash64.

    key: the key of the rows, which breaks ties. Two frames with the same key values give the same
    sample.
    """
    return rows.orderBy(F.xxhash64("customer_id"), *key).limit(most_rows)


def keep_offer_days(rows: DataFrame, offer: str, days: Sequence[dt.date]) -> DataFrame:
    """The rows of an offer's campaign days: adds arm (1.0: got the offer, 0.0: got no offer).

    Rows of other offers are left out.
    """
    is_of_offer = F.col("offer_id").isNull() | (F.col("offer_id") == offer)
    arm = F.col("offer_id").isNotNull().cast("double").alias("arm")
    return at_dates(rows, days).where(is_of_offer).select(*rows.columns, arm)
