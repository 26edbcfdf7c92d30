"""Rows that the simulated company reads from the lakehouse and writes to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import DataFrame, functions as F

from contracts.silver import FULFILMENTS
from transforms.conform import conform
from transforms.deduplicate import content_hash
from transforms.message_orders import offers_to_send
from transforms.text_pool import is_usable, with_decision


def approved_texts(pool: DataFrame, moment: dt.datetime) -> DataFrame:
    """One row per text of gold.text_pool that waits for approval, approved at `moment`."""
    waiting = pool.where(is_usable() & F.col("approved").isNull())
    return with_decision(waiting, True, "simulated company", moment=moment)


def bookings(decisions: DataFrame, offers: Sequence[str], moment: dt.datetime) -> DataFrame:
    """One row per decision that sends one of the offers, as in silver.fulfilments.

    Every offer is booked at `moment`. Spark only: DuckDB has no xxhash64.
    """
    at = F.lit(moment.astimezone(dt.UTC).replace(tzinfo=None)).cast("timestamp")
    booked = offers_to_send(decisions).where(F.col("offer_id").isin(*offers))
    rows = booked.select("customer_id", "offer_id", "campaign_id", at.alias("fulfilled_at"))
    source = rows.select(
        "*",
        at.alias("known_at"),
        F.lit("simulated_company").alias("source"),
        F.concat(F.lit("bookings-"), F.col("campaign_id")).alias("batch_id"),
        content_hash(rows.columns).alias("content_hash"),
        F.lit(None).alias("warnings"),
    )
    return conform(source, FULFILMENTS)


def sent_offers(
    customers: DataFrame,
    contacts: DataFrame,
    deliveries: DataFrame,
    *,
    offers: Sequence[str],
    first_day: dt.date,
) -> DataFrame:
    """One row per customer of the simulated company: id, offer and day of the contact.

    `customers` has the number of each customer as `id`. `contacts` are the rows of gold.outbox of
    one plan, at most one per customer. `deliveries`: gold.outbox_deliveries. `offer` is the index
    of the offer in `offers`, -1 if no contact was sent or the offer is unknown. `day` is the day on
    which the contact was due, in days since `first_day`; 0 without a contact.
    """
    index = F.lit(-1)
    for number, name in enumerate(offers):
        index = F.when(F.col("offer_id") == name, number).otherwise(index)
    delivered = deliveries.where("status = 'sent'").select("contact_id")
    sent = contacts.join(delivered, on="contact_id", how="inner").select(
        F.substring("customer_id", 2, 12).cast("bigint").alias("id"),
        index.alias("offer"),
        F.datediff(F.col("triggered_on"), F.lit(first_day)).alias("day"),
    )
    return customers.join(sent, on="id", how="left").select(
        "id",
        F.coalesce("offer", F.lit(-1)).alias("offer"),
        F.coalesce("day", F.lit(0)).alias("day"),
    )
