"""Put into the outbox who is to be contacted because their risk level has risen."""

from __future__ import annotations

from typing import Any

from pipelines.offers.offer_catalog import offers_of_conf
from pipelines.offers.past_contacts import made_contacts, planned_contacts
from runtime.context import Context
from runtime.errors import UsageError
from runtime.fault_points import fault_point
from runtime.lakehouse.writes import Write
from runtime.settings.offers import load_offers


def run(context: Context) -> None:
    """gold.outbox gains the contacts of as_of; a row that is there is never changed."""
    from transforms.outbox import outbox

    rules = rules_of_conf(context)
    rises = rises_of(context)
    if rises is None or not rules:
        return
    rises = context.lake.keep(rises)
    before = context.read("gold.outbox")
    share = context.settings.decisions.hold_out_share
    found = outbox(rises, rules, before, context.as_of, share)
    # Whatever has changed since, who has a contact of this day gets no other.
    done = before.where(f"triggered_on = DATE'{context.as_of}'").select("customer_id")
    fresh = found.join(done, on="customer_id", how="left_anti")
    table = context.table("gold.outbox")
    fresh = context.lake.keep(fresh.select(*table.column_names))
    tell(context, rises, fresh)
    if fresh.take(1):
        fault_point("before_outbox")
        context.write([Write(table, fresh, mode="merge")])
        fault_point("after_outbox")
    context.lake.forget()


def rules_of_conf(context: Context) -> list[Any]:
    """The rules as transforms take them. UsageError for a level or an offer that is not there."""
    from transforms.outbox import Trigger

    levels, offers = levels_of_conf(context), load_offers()
    for rule in context.settings.triggers.rules:
        if unknown := sorted(set(rule.to) - set(levels)):
            raise UsageError(
                f"triggers.rules, {rule.name}: to names {unknown}; the levels of risk.scheme "
                f"{context.settings.risk.scheme} are {', '.join(levels)}. Name these."
            )
        if rule.offer_id is not None and rule.offer_id not in offers:
            raise UsageError(
                f"triggers.rules, {rule.name}: offer_id {rule.offer_id} is none of "
                f"conf/offers.yaml, which has {', '.join(offers)}."
            )
    return [
        Trigger(**{**rule.model_dump(), "to": tuple(rule.to)})
        for rule in context.settings.triggers.rules
    ]


def levels_of_conf(context: Context) -> list[str]:
    """Risk levels in use, the highest first."""
    risk = context.settings.risk
    return [band["level"] for band in risk.schemes[risk.scheme]]


def rises_of(context: Context) -> Any:
    """Customers whose level rose, with what rules may name, what stops them, and the offers that
    they may get; None: no as_of before this one was scored."""
    from pyspark.sql import functions as F

    from transforms.outbox import risen, with_allowed, with_stop

    context.needs("gold.customer_scores", "score_customers")
    scores = context.read("gold.customer_scores")
    day = F.lit(context.as_of).cast("date")
    previous = scores.where(F.col("as_of") < day).agg({"as_of": "max"}).collect()[0][0]
    if previous is None:
        context.progress.warn(
            f"gold.customer_scores: has no as_of before {context.as_of}, so no level can have "
            "risen. Score an earlier day first."
        )
        return None
    now = scores.where(F.col("as_of") == day)
    rises = risen(now, scores.where(F.col("as_of") == F.lit(previous)), levels_of_conf(context))
    for facts in facts_of_day(context):
        rises = rises.join(facts, on="customer_id", how="left")
    contacts = other_contacts(context)
    stopped = with_stop(rises, contacts, context.as_of, context.settings.triggers.cooling_off_days)
    effects = newest_effects(context)
    return with_allowed(stopped, offers_of_conf(), contacts, effects, context.as_of)


def facts_of_day(context: Context) -> list[Any]:
    """What rules and offers' conditions may name beside the scores: one row a customer each."""
    day = f"as_of = DATE'{context.as_of}'"
    facts = ("lifecycle", "segment", "segment_group", "recency_days", "frequency")
    segments = context.read("gold.customer_segments").where(day)
    bought = context.read("features.transactions").where(day)
    current = context.read("silver.customers").where("valid_to IS NULL")
    return [
        segments.select("customer_id", *facts, "engagement_score"),
        bought.select("customer_id", "total_orders", "total_revenue", "tenure_days"),
        current.select("customer_id", "is_opted_out"),
    ]


def other_contacts(context: Context) -> Any:
    """Every contact but those that this job made for as_of itself."""
    others = f"campaign_id IS NOT NULL OR triggered_on <> DATE'{context.as_of}'"
    planned = planned_contacts(context, is_of_today=True)
    return made_contacts(context, others).unionByName(planned)


def newest_effects(context: Context) -> Any:
    """What experiments said last, by as_of, of every customer and offer; empty: nothing yet."""
    effects = context.read("gold.offer_effects").where(
        f"as_of <= DATE'{context.as_of}' AND basis <> 'observational'"
    )
    newest = effects.agg({"as_of": "max"}).collect()[0][0]
    return effects.where(f"as_of = DATE'{newest or context.as_of}'")


def tell(context: Context, rises: Any, fresh: Any) -> None:
    """How many rose, and what became of them. At most three and a few dozen rows."""
    stops = {r["stop"]: r["count"] for r in rises.groupBy("stop").count().collect()}
    by = {r["rule"]: r["count"] for r in fresh.groupBy("rule").count().collect()}
    context.progress.say(
        f"      {sum(stops.values()):,} risk levels rose; {stops.get('opted_out', 0):,} opted out, "
        f"{stops.get('cooling_off', 0):,} contacted too lately, soon or held out; new contacts: "
        + (", ".join(f"{name} {count:,}" for name, count in sorted(by.items())) or "none")
    )
