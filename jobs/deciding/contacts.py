"""Who was written to by whom, for cooling-off periods that hold across plans and triggers."""

from __future__ import annotations

from typing import Any

from jobs.runtime.context import Context


def campaign_contacts(context: Context) -> Any:
    """One row a contact before as_of: customer_id, offer_id, contacted_on; from campaigns of silver
    and from what earlier plans sent."""
    from pyspark.sql import functions as F

    from transforms.decisions import sent_decisions

    day = f"TIMESTAMP'{context.as_of} 00:00:00'"
    campaigns = context.read("silver.campaign_contacts").where(
        f"contacted_at < {day} AND coalesce(is_treated, TRUE)"
    )
    sent = campaigns.select(
        "customer_id", "offer_id", F.col("contacted_at").cast("date").alias("contacted_on")
    )
    return sent.unionByName(sent_decisions(context.read("gold.offer_decisions"), context.as_of))


def planned_contacts(context: Context) -> Any:
    """One row a contact that the plan of as_of means to make, and one for each customer whom a plan
    holds out: whoever else wrote to them would spoil what they are held out for."""
    decided = context.read("gold.offer_decisions").where(
        f"offer_id IS NOT NULL AND as_of <= DATE'{context.as_of}' "
        f"AND (is_held_out OR as_of = DATE'{context.as_of}')"
    )
    return decided.selectExpr("customer_id", "offer_id", "send_on AS contacted_on")


def past_contacts(context: Context) -> Any:
    """`campaign_contacts`, and those that a rise of the risk level triggered before as_of."""
    from transforms.engagement import outbox_contacts

    ours = outbox_contacts(context.read("gold.outbox"), context.read("gold.outbox_deliveries"))
    return campaign_contacts(context).unionByName(
        ours.where(f"contacted_on < DATE'{context.as_of}'")
    )
