"""The offers for which a message is to be written, with the data that a message uses."""

from __future__ import annotations

from pyspark.sql import DataFrame, functions as F

from transforms.decisions import with_optional


def message_orders(
    decisions: DataFrame,
    profiles: DataFrame,
    transactions: DataFrame,
    *,
    scores: DataFrame,
    messages: DataFrame,
) -> DataFrame:
    """One row per offer to send (campaign and customer), with the data of its message.

    Columns: campaign_id, customer_id, offer_id, first_name, language, tenure_months, main_reason,
    known_digest. `decisions`: gold.offer_decisions of one day. `profiles`: the customers' versions
    of that day, one row per customer. `transactions` (features) and `scores` hold that day; a
    customer without a row there has nulls. `messages`: gold.messages. known_digest is the digest of
    the brief for which the present message was written; null if there is no message.

    Customers without an offer, the control group and opted-out customers have no row. A null of
    is_opted_out means not opted out.
    """
    sent = decisions.where(F.col("offer_id").isNotNull() & ~F.col("is_held_out"))
    rows = sent.select("campaign_id", "customer_id", "offer_id")
    known = profiles.select("customer_id", "first_name", "language", "is_opted_out")
    tenures = transactions.select("customer_id", "tenure_months")
    reasons = with_optional(scores).select("customer_id", "main_reason")
    for other in (known, tenures, reasons):
        # A plain select after each join, for the DuckDB engine.
        rows = rows.join(other, on="customer_id", how="left").select(
            *rows.columns, *other.columns[1:]
        )
    present = messages.select(
        "campaign_id", "customer_id", F.col("brief_digest").alias("known_digest")
    )
    rows = rows.join(present, on=["campaign_id", "customer_id"], how="left").select(
        *rows.columns, "known_digest"
    )
    is_opted_out = F.coalesce(F.col("is_opted_out"), F.lit(False))
    return rows.where(~is_opted_out).select(*[c for c in rows.columns if c != "is_opted_out"])
