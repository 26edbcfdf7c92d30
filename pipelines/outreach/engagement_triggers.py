"""Queue contacts in the outbox for customers whose risk level rose."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipelines.offers.offer_catalog import offers_of_conf
from pipelines.offers.past_contacts import made_contacts, planned_contacts
from runtime.context import Context
from runtime.errors import UsageError
from runtime.fault_points import fault_point
from runtime.lakehouse.writes import Write
from runtime.progress import Progress
from runtime.settings import Settings
from runtime.settings.offers import load_offers
from runtime.wording import consent_unknown, plural
from transforms.consent import CONSENT_UNKNOWN
from transforms.outbox import (
    Trigger,
    outbox,
    risen,
    with_allowed,
    with_earlier,
    with_stop,
)
from transforms.slices import at_date, newest_as_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def run(context: Context) -> None:
    """Add the contacts of as_of to gold.outbox. Existing rows are never changed."""
    rules = rules_of_conf(context.settings)
    rises = rises_of(context)
    if rises is None or not rules:
        return
    rises = context.lake.keep(rises)
    before = context.read("gold.outbox")
    share = context.settings.decisions.hold_out_share
    candidates = outbox(rises, rules, before, day=context.as_of, hold_out_share=share)
    # A customer who has a contact of this day gets no second one, even if the rules changed since.
    done = before.where(f"triggered_on = DATE'{context.as_of}'").select("customer_id")
    fresh = candidates.join(done, on="customer_id", how="left_anti")
    table = context.table("gold.outbox")
    fresh = context.lake.keep(fresh.select(*table.column_names))
    # At most four rows, and one row per rule.
    stops = {r["stop"]: r["count"] for r in rises.groupBy("stop").count().collect()}
    new_by_rule = {r["rule"]: r["count"] for r in fresh.groupBy("rule").count().collect()}
    tell(context.progress, stops, new_by_rule)
    if unknown := stops.get(CONSENT_UNKNOWN):
        who = "customers whose risk level rose"
        context.progress.warn(consent_unknown(unknown, sum(stops.values()), who))
    if new_by_rule:
        fault_point("before_outbox")
        context.write([Write(table, fresh, mode="merge")])
        fault_point("after_outbox")
    context.lake.forget()


def rules_of_conf(settings: Settings) -> list[Trigger]:
    """The rules of conf. UsageError if a rule names an unknown level or offer."""
    levels, offers = levels_of_conf(settings), load_offers()
    for rule in settings.triggers.rules:
        if unknown := sorted(set(rule.to) - set(levels)):
            raise UsageError(
                f"triggers.rules, {rule.name}: to has unknown levels {unknown}. risk.scheme "
                f"{settings.risk.scheme} has {', '.join(levels)}. Use only these."
            )
        if rule.offer_id is not None and rule.offer_id not in offers:
            raise UsageError(
                f"triggers.rules, {rule.name}: offer_id {rule.offer_id} is not in "
                f"conf/offers.yaml, which has {', '.join(offers)}. Use one of these, or add the "
                "offer to that file."
            )
    return [
        Trigger(**{**rule.model_dump(), "to": tuple(rule.to)}) for rule in settings.triggers.rules
    ]


def levels_of_conf(settings: Settings) -> list[str]:
    """The risk levels in use, from the highest to the lowest."""
    return [band["level"] for band in settings.risk.schemes[settings.risk.scheme]]


def rises_of(context: Context) -> DataFrame | None:
    """One row per customer whose risk level rose since the previous scored day.

    Columns: those that conditions of rules and offers may use, `stop`, and is_allowed_<offer>.
    Returns None, with a warning, if no day before as_of was scored.
    """
    context.needs("gold.customer_scores", "score_customers")
    scores = context.read("gold.customer_scores")
    earlier = scores.where(f"as_of < DATE'{context.as_of}'")
    previous = newest_as_of(earlier).collect()[0]["as_of"]  # one row
    if previous is None:
        context.progress.warn(
            f"gold.customer_scores: has no as_of before {context.as_of}, so it is unknown "
            "which risk levels rose. Score an earlier day first."
        )
        return None
    now, before = (context.slice("gold.customer_scores", day) for day in (context.as_of, previous))
    tell_of_other_judges(context.progress, now, before, previous=previous)
    rises = risen(now, before, levels_of_conf(context.settings))
    for facts in facts_of_day(context):
        rises = rises.join(facts, on="customer_id", how="left")
    contacts = other_contacts(context)
    stopped = with_stop(
        rises,
        contacts,
        context.as_of,
        cooling_off_days=context.settings.triggers.cooling_off_days,
        when_consent_unknown=context.settings.contact.when_consent_unknown,
    )
    effects = newest_effects(context)
    return with_allowed(stopped, offers_of_conf(), contacts, effects=effects, day=context.as_of)


def tell_of_other_judges(
    progress: Progress, now: DataFrame, before: DataFrame, *, previous: dt.date
) -> None:
    """Warn how many customers are not compared, because another model or scheme judged them."""
    others = with_earlier(now, before).where("NOT is_same_judge").count()
    if others:
        progress.warn(
            f"gold.customer_scores: another model version or risk scheme judged "
            f"{plural(others, 'customer')} on {previous}. A new model moves risk levels without "
            "any change in the customer, so these levels are not compared. Score both dates with "
            "the same model to compare them."
        )


def facts_of_day(context: Context) -> list[DataFrame]:
    """Columns that conditions may use in addition to the scores. One row per customer in each."""
    facts = ("lifecycle", "segment", "segment_group", "recency_days", "frequency")
    segments = context.slice("gold.customer_segments")
    bought = context.slice("features.transactions")
    current = context.read("silver.customers").where("valid_to IS NULL")
    return [
        segments.select("customer_id", *facts, "engagement_score"),
        bought.select("customer_id", "total_orders", "total_revenue", "tenure_days"),
        current.select("customer_id", "is_opted_out"),
    ]


def other_contacts(context: Context) -> DataFrame:
    """All contacts except those that this job made for as_of."""
    others = f"campaign_id IS NOT NULL OR triggered_on <> DATE'{context.as_of}'"
    planned = planned_contacts(context, is_of_today=True)
    return made_contacts(context, others).unionByName(planned)


def newest_effects(context: Context) -> DataFrame:
    """The newest effects from experiments up to as_of, one row per customer and offer.

    Empty if there are none yet.
    """
    effects = context.read("gold.offer_effects").where(
        f"as_of <= DATE'{context.as_of}' AND basis <> 'observational'"
    )
    newest = newest_as_of(effects).collect()[0]["as_of"]  # one row
    return at_date(effects, newest or context.as_of)


def tell(
    progress: Progress, stops: Mapping[str | None, int], new_by_rule: Mapping[str, int]
) -> None:
    """Report the number of risen risk levels, of contacts blocked by reason, and of new ones."""
    contacts = ", ".join(f"{name} {count:,}" for name, count in sorted(new_by_rule.items()))
    progress.say(
        f"      {plural(sum(stops.values()), 'risk level')} rose; "
        f"{plural(stops.get('opted_out', 0), 'customer')} opted out, "
        f"{stops.get('cooling_off', 0):,} in a cooling-off period or held out; "
        f"new contacts: {contacts or 'none'}"
    )
