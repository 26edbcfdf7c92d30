"""Turns a message whose text is approved into a contact in the outbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window, functions as F

from contracts.gold_engagement import OUTBOX
from transforms.conform import conform
from transforms.outbox import contact_id, with_cooling_off
from transforms.standing_decisions import days_of, keep_standing

TEMPLATE = "template"


@dataclass(frozen=True)
class Way:
    """Channel of an offer's messages, and for how many days from send_on they may be sent."""

    offer_id: str
    channel: str
    valid_days: int


def sendable(messages: DataFrame, pool: DataFrame) -> DataFrame:
    """One row per message that may be sent: its text is a template of conf, or is approved now.

    `messages`: gold.messages. `pool`: gold.text_pool. An approval that was taken back counts at
    once, whatever the message says.
    """
    approved = pool.where(F.coalesce("approved", F.lit(False))).select(
        F.col("text_id").alias("approved_text_id")
    )
    joined = messages.where("approved").join(
        approved, on=messages["text_id"] == approved["approved_text_id"], how="left"
    )
    is_free = (F.col("written_by") == TEMPLATE) | F.col("approved_text_id").isNotNull()
    return joined.where(is_free).select(*messages.columns)


def queued(
    messages: DataFrame, decisions: DataFrame, ways: Sequence[Way], *, day: dt.date
) -> DataFrame:
    """One row per message that is due and whose offer is still valid, as in gold.outbox.

    `messages`: those that are `sendable`. `decisions`: all of gold.offer_decisions. A message is
    not sent if its decision was superseded before it was due, is in the control group, or names
    another offer than the message. The key and the contact_id of a message do not depend on the day
    of the run.
    """
    approved = messages.select("campaign_id", "customer_id", "offer_id")
    due = keep_standing(decisions).where(
        F.col("offer_id").isNotNull()
        & ~F.col("is_held_out")
        & (F.col("send_on") <= F.lit(day).cast("date"))
    )
    due = due.select("campaign_id", "customer_id", "offer_id", "as_of", "send_on")
    both = due.join(approved, on=["campaign_id", "customer_id", "offer_id"], how="inner")
    both = both.select("campaign_id", "customer_id", "offer_id", "as_of", "send_on")
    rows = both.select(
        "customer_id",
        F.col("campaign_id").alias("rule"),
        F.col("as_of").alias("period_on"),
        "campaign_id",
        F.col("send_on").alias("triggered_on"),
        F.lit(None).cast("string").alias("from_level"),
        F.lit(None).cast("string").alias("to_level"),
        F.lit("offer").alias("action"),
        "offer_id",
        _channel(ways).alias("channel"),
        F.lit(False).alias("is_held_out"),
        F.date_add("send_on", days_of({w.offer_id: w.valid_days for w in ways})).alias(
            "expires_on"
        ),
    )
    # Offers that were removed from conf are not sent.
    known = rows.where(
        F.col("channel").isNotNull() & (F.col("expires_on") > F.lit(day).cast("date"))
    )
    return conform(known.select("*", contact_id().alias("contact_id")), OUTBOX)


def with_wait(
    candidates: DataFrame,
    contacts: DataFrame,
    scores: DataFrame,
    *,
    day: dt.date,
    cooling_off_days: int,
) -> DataFrame:
    """One row per candidate: adds `wait`, the reason why it may not be sent on `day`, or null.

    Candidates are messages that were written or approved late. The reasons are cooling_off, and
    past_churn_date where the likely churn date that the message was meant to precede has passed.
    `candidates`: rows of `queued` that are not in the outbox yet. `contacts`: customer_id and
    contacted_on of every contact that was made or waits in the outbox. `scores`:
    gold.customer_scores with likely_churn_date. If several plans have a message for the same
    customer, the newest is sent.
    """
    cooled = with_cooling_off(candidates, contacts, day, cooling_off_days=cooling_off_days)
    dates = scores.select("customer_id", F.col("as_of").alias("period_on"), "likely_churn_date")
    dated = cooled.join(dates, on=["customer_id", "period_on"], how="left")
    dated = dated.select(*cooled.columns, "likely_churn_date")
    churns_on = F.col("likely_churn_date")
    is_past = (churns_on < F.lit(day).cast("date")) & (churns_on >= F.col("triggered_on"))
    stop = F.coalesce(F.col("cooling_off"), F.when(is_past, "past_churn_date"))
    judged = dated.select(*candidates.columns, stop.alias("stop"))
    newest = Window.partitionBy("customer_id").orderBy(
        F.col("stop").isNotNull(), F.col("period_on").desc()
    )
    ranked = judged.select("*", F.row_number().over(newest).alias("turn"))
    is_second = (F.col("turn") > 1) & F.lit(cooling_off_days > 0)
    wait = F.coalesce(F.col("stop"), F.when(is_second, "cooling_off"))
    return ranked.select(*candidates.columns, wait.alias("wait"))


def with_message(rows: DataFrame, messages: DataFrame) -> DataFrame:
    """One row per due contact: adds message_text and message_language.

    `messages`: those that are `sendable` now. Both columns are null for a contact of a rule. A
    campaign's contact is left out if it has no message for its offer. Expired contacts stay, since
    they are only marked as expired.
    """
    approved = messages.select(
        F.col("campaign_id").alias("of_campaign"),
        F.col("customer_id").alias("of_customer"),
        F.col("offer_id").alias("of_offer"),
        F.col("text").alias("message_text"),
        F.col("language").alias("message_language"),
    )
    is_same_contact = (
        (rows["campaign_id"] == approved["of_campaign"])
        & (rows["customer_id"] == approved["of_customer"])
        & (rows["offer_id"] == approved["of_offer"])
    )
    joined = rows.join(approved, on=is_same_contact, how="left")
    may_go = F.col("campaign_id").isNull() | F.col("message_text").isNotNull() | F.col("is_expired")
    return joined.where(may_go).select(*rows.columns, "message_text", "message_language")


def _channel(ways: Sequence[Way]) -> Column:
    channel = F.lit(None).cast("string")
    for way in ways:
        channel = F.when(F.col("offer_id") == way.offer_id, way.channel).otherwise(channel)
    return channel
