"""Contacts for customers whose level of engagement fell since the day before."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pipelines.offers.past_contacts import made_contacts, planned_contacts
from runtime.context import Context
from runtime.lakehouse.writes import Write
from transforms.live_engagement import fallen
from transforms.outbox import Trigger, outbox, with_stop

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.settings import Settings


def rules_of_conf(settings: Settings) -> list[Trigger]:
    """The rules of stream.rules."""
    return [
        Trigger(**{**rule.model_dump(), "to": tuple(rule.to)}) for rule in settings.stream.rules
    ]


def add_contacts(context: Context, engagement: DataFrame, day: dt.date) -> int:
    """Add the contacts of the open day to gold.outbox; their number. Existing rows do not change.

    A customer who already has a contact of this rule and period, or one within the cooling-off
    period, gets none. engagement: gold.engagement_live.
    """
    rules = rules_of_conf(context.settings)
    fell = fallen(engagement, [band.level for band in context.settings.stream.levels])
    if not rules or not fell.select("customer_id").limit(1).collect():
        return 0
    today = context.at(day)
    before = context.read("gold.outbox")
    current = context.read("silver.customers").where("valid_to IS NULL")
    known = fell.join(current.select("customer_id", "is_opted_out"), on="customer_id", how="left")
    contacts = planned_contacts(today, is_of_today=True).unionByName(made_contacts(today))
    stopped = with_stop(
        known,
        contacts,
        day,
        cooling_off_days=context.settings.triggers.cooling_off_days,
        when_consent_unknown=context.settings.contact.when_consent_unknown,
    )
    rows = outbox(stopped, rules, before, day=day, hold_out_share=0.0)
    table = context.table("gold.outbox")
    done = before.where(f"triggered_on = DATE'{day}'").select("customer_id")
    fresh = rows.join(done, on="customer_id", how="left_anti").select(*table.column_names)
    fresh = context.lake.keep(fresh)
    # One row per rule.
    number = sum(int(r["count"]) for r in fresh.groupBy("rule").count().collect())
    if number:
        context.lake.commit([Write(table, fresh, mode="merge")])
    return number
