"""Past contacts of customers. Cooling-off periods hold across campaigns, plans and triggers.

All frames have one row per contact: customer_id, offer_id, contacted_on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.context import Context
from runtime.settings.offers import valid_days
from transforms.contacts import campaign_contacts
from transforms.outbox import outbox_contacts
from transforms.standing_decisions import plan_contacts

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def planned_contacts(context: Context, is_of_today: bool) -> DataFrame:
    """Contacts that plans before as_of made or still intend to make.

    is_of_today: include the plan of as_of. Held-out customers are included: a contact by another
    plan or trigger would spoil the comparison.
    """
    before = "<=" if is_of_today else "<"
    decisions = context.read("gold.offer_decisions").where(f"as_of {before} DATE'{context.as_of}'")
    return plan_contacts(decisions, context.read("gold.outbox"), valid_days(), day=context.as_of)


def made_contacts(context: Context, of_outbox: str = "TRUE") -> DataFrame:
    """Contacts of campaigns before as_of, and of the outbox: sent, waiting and held out.

    of_outbox: SQL condition on the rows of gold.outbox.
    """
    outbox = context.read("gold.outbox").where(of_outbox)
    ours = outbox_contacts(outbox, context.read("gold.outbox_deliveries"), context.as_of)
    campaigns = context.read("silver.campaign_contacts")
    return campaign_contacts(campaigns, context.as_of).unionByName(ours)


def past_contacts(context: Context) -> DataFrame:
    """All contacts up to as_of by campaigns, earlier plans and triggers.

    A new plan supersedes what earlier plans intended to send after as_of.
    """
    ours = planned_contacts(context, is_of_today=False).unionByName(made_contacts(context))
    return ours.where(f"contacted_on <= DATE'{context.as_of}'")
