"""Who was written to by whom, for cooling-off periods that hold across plans and triggers."""

from __future__ import annotations

from typing import Any

from runtime.context import Context
from runtime.settings.offers import valid_days


def campaign_contacts(context: Context) -> Any:
    """One row a contact of a campaign of silver before as_of: customer_id, offer_id,
    contacted_on."""
    from pyspark.sql import functions as F

    day = f"TIMESTAMP'{context.as_of} 00:00:00'"
    campaigns = context.read("silver.campaign_contacts").where(
        f"contacted_at < {day} AND coalesce(is_treated, TRUE)"
    )
    return campaigns.select(
        "customer_id", "offer_id", F.col("contacted_at").cast("date").alias("contacted_on")
    )


def planned_contacts(context: Context, is_of_today: bool) -> Any:
    """The same of what plans before as_of sent or mean to send; of that of as_of too where
    `is_of_today`. Who is held out counts: whoever else wrote to them would spoil what they are held
    out for."""
    from transforms.standing_decisions import plan_contacts

    before = "<=" if is_of_today else "<"
    decisions = context.read("gold.offer_decisions").where(f"as_of {before} DATE'{context.as_of}'")
    return plan_contacts(decisions, context.read("gold.outbox"), valid_days(), context.as_of)


def made_contacts(context: Context, of_outbox: str = "TRUE") -> Any:
    """The same of campaigns, and of the outbox, where `of_outbox` (SQL) holds, what was sent, waits
    or holds someone out."""
    from transforms.outbox import outbox_contacts

    outbox = context.read("gold.outbox").where(of_outbox)
    ours = outbox_contacts(outbox, context.read("gold.outbox_deliveries"), context.as_of)
    return campaign_contacts(context).unionByName(ours)


def past_contacts(context: Context) -> Any:
    """Whoever was written to by as_of, for a plan that decides anew what earlier ones meant to send
    after it: by campaigns, earlier plans, and because their risk level rose."""
    ours = planned_contacts(context, is_of_today=False).unionByName(made_contacts(context))
    return ours.where(f"contacted_on <= DATE'{context.as_of}'")
