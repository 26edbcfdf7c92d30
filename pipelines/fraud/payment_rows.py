"""Payments of silver in the order of their arrival, in this process."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from models.fraud.payments import PLACES, TEXTS, Payments
from runtime.context import Context
from runtime.errors import UsageError
from transforms.payments import payments_as_numbers
from udfs.micros import micros_of


def payments_between(context: Context, begin: dt.date, end: dt.date) -> Payments:
    """The payments of [begin, end), UTC. About 300 bytes each in this process.

    UsageError if there are more than fraud.most_payments.
    """
    context.needs("silver.payments", "ingest")
    rows = payments_as_numbers(
        context.read("silver.payments"),
        (*TEXTS, *PLACES),
        begin_micros=micros(begin),
        end_micros=micros(end),
    )
    number, most = rows.count(), context.settings.fraud.most_payments
    if number > most:
        raise UsageError(
            f"silver.payments: has {number:,} payments from {begin} to {end}, more than "
            f"fraud.most_payments, {most:,}, which one process holds. Lower fraud.training_days or "
            "fraud.score_days, or raise fraud.most_payments: a payment takes about 300 bytes."
        )
    frame: pd.DataFrame = rows.toPandas()  # at most fraud.most_payments
    return Payments.from_frame(frame)


def micros(day: dt.date) -> int:
    """00:00 UTC of a day, in microseconds since 1970."""
    return micros_of(dt.datetime.combine(day, dt.time(), dt.UTC))
