"""Contacts of customers that count for the cooling-off periods."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame, functions as F


def campaign_contacts(contacts: DataFrame, day: dt.date) -> DataFrame:
    """One row per contact of silver.campaign_contacts before 00:00 of `day`.

    Columns: customer_id, offer_id, contacted_on. Customers of a control group have no contact. An
    unknown is_treated counts as treated.
    """
    is_before = f"contacted_at < TIMESTAMP'{day} 00:00:00'"
    sent = contacts.where(f"{is_before} AND coalesce(is_treated, TRUE)")
    return sent.select(
        "customer_id", "offer_id", F.col("contacted_at").cast("date").alias("contacted_on")
    )
