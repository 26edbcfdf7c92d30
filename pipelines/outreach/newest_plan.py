"""The plan whose messages a run of `write_messages` brings up to date."""

from __future__ import annotations

from runtime.context import Context
from transforms.message_orders import newest_plan


def at_newest_plan(context: Context) -> Context:
    """The run at the day of the newest plan up to as_of.

    A plan is for weeks: texts are approved, and templates replaced, on days without a plan too.
    TableError if no plan was ever made.
    """
    context.needs("gold.offer_decisions", "decide_offers")
    plan = newest_plan(context.read("gold.offer_decisions"), context.as_of).collect()[0]  # one row
    day = plan["as_of"]
    if day is None or day == context.as_of:
        return context
    context.progress.say(f"      messages of the plan of {day}, the newest one")
    return context.at(day)
