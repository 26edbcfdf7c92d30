"""Payments of silver in the order of their arrival, in this process."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pandas as pd
from pyspark.sql import functions as F

from models.fraud.payments import PLACES, TEXTS, Payments
from runtime.context import Context

if TYPE_CHECKING:
    from pyspark.sql import Column

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def payments_between(context: Context, begin: dt.date, end: dt.date) -> Payments:
    """The payments of [begin, end), UTC. About 300 bytes each in this process."""
    context.needs("silver.payments", "ingest")
    rows = (
        context.read("silver.payments")
        .where(F.col("paid_at") >= moment(begin))
        .where(F.col("paid_at") < moment(end))
        .select(
            *TEXTS,
            *PLACES,
            (F.col("amount") * 100).cast("bigint").alias("cents"),
            F.unix_micros("paid_at").alias("paid_at"),
            F.unix_micros("received_at").alias("received_at"),
        )
    )
    frame: pd.DataFrame = rows.toPandas()
    return Payments.from_frame(frame)


def moment(day: dt.date) -> Column:
    """00:00 UTC of a day."""
    return F.timestamp_micros(F.lit(micros(day)))


def micros(day: dt.date) -> int:
    """00:00 UTC of a day, in microseconds since 1970."""
    return int((dt.datetime.combine(day, dt.time(), dt.UTC) - EPOCH) / dt.timedelta(microseconds=1))
