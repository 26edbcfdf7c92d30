"""Support tickets whose reason is read from their text: samples, and the categories read."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, functions as F

from transforms.reasons import reason_of_category


def ticket_texts(tickets: DataFrame, categories: Mapping[str, str]) -> DataFrame:
    """One row per ticket with a text: ticket_id, text and the reason of its category or null."""
    reason = reason_of_category(categories).alias("reason")
    return tickets.where("text IS NOT NULL").select("ticket_id", "text", reason)


def ticket_sample(texts: DataFrame, most: int) -> DataFrame:
    """At most `most` tickets, in the order of a hash of ticket_id.

    The same tickets on every run. Spark only: DuckDB has no xxhash64.
    """
    return texts.orderBy(F.xxhash64("ticket_id"), "ticket_id").limit(most)


def with_read_categories(tickets: DataFrame, labels: DataFrame) -> DataFrame:
    """Replace the category of each ticket that has a row (ticket_id, label) in `labels`."""
    joined = tickets.join(labels, on="ticket_id", how="left")
    return joined.withColumn("category", F.coalesce("label", "category")).drop("label")
