"""From a message that a person approved to a contact of the outbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window, functions as F

from contracts.gold_engagement import OUTBOX
from transforms.conform import conform
from transforms.outbox import contact_id, with_stop
from transforms.standing_decisions import days_of, keep_standing


@dataclass(frozen=True)
class Way:
    """How the messages of an offer go out, and for how many days from send_on they may."""

    offer_id: str
    channel: str
    valid_days: int


def queued(
    messages: DataFrame, decisions: DataFrame, ways: Sequence[Way], day: dt.date
) -> DataFrame:
    """One row of gold.outbox an approved message whose day has come and whose offer still holds.

    `messages`: gold.messages; `decisions`: gold.offer_decisions, all of them. What was decided
    anew before it was due, holds out, or names another offer than the message is not sent. A
    message has the same key and contact_id whichever day's run finds it.
    """
    approved = messages.where(F.coalesce("approved", F.lit(False)))
    approved = approved.select("campaign_id", "customer_id", "offer_id")
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
    # An offer that conf no longer has is not made.
    known = rows.where(
        F.col("channel").isNotNull() & (F.col("expires_on") > F.lit(day).cast("date"))
    )
    return conform(known.select("*", contact_id().alias("contact_id")), OUTBOX)


def with_wait(
    found: DataFrame,
    contacts: DataFrame,
    scores: DataFrame,
    day: dt.date,
    cooling_off_days: int,
) -> DataFrame:
    """Add `wait`: why a message that was approved late may not go at `day`, or null: cooling_off,
    or past_churn_date, if the likely churn date of its plan, that it was to come before, is over.

    `found`: rows of `queued` that the outbox has not yet. `contacts`: customer_id and contacted_on
    of every contact that was made or waits in the outbox. `scores`: gold.customer_scores with
    likely_churn_date. Of several plans' messages for a customer the newest goes.
    """
    unasked = found.select("*", F.lit(None).cast("boolean").alias("is_opted_out"))
    stopped = with_stop(unasked, contacts, day, cooling_off_days)
    dates = scores.select("customer_id", F.col("as_of").alias("period_on"), "likely_churn_date")
    dated = stopped.join(dates, on=["customer_id", "period_on"], how="left")
    dated = dated.select(*found.columns, "stop", "likely_churn_date")
    churns_on = F.col("likely_churn_date")
    is_past = (churns_on < F.lit(day).cast("date")) & (churns_on >= F.col("triggered_on"))
    stop = F.coalesce(F.col("stop"), F.when(is_past, "past_churn_date"))
    judged = dated.select(*found.columns, stop.alias("stop"))
    newest = Window.partitionBy("customer_id").orderBy(
        F.col("stop").isNotNull(), F.col("period_on").desc()
    )
    ranked = judged.select("*", F.row_number().over(newest).alias("turn"))
    is_second = (F.col("turn") > 1) & F.lit(cooling_off_days > 0)
    wait = F.coalesce(F.col("stop"), F.when(is_second, "cooling_off"))
    return ranked.select(*found.columns, wait.alias("wait"))


def with_message(rows: DataFrame, messages: DataFrame) -> DataFrame:
    """Contacts that are due with message_text and message_language, which are null for a rule's.

    A campaign's contact without a message that is approved now, for its offer, is left out, unless
    its time is over: then it is only marked.
    """
    approved = messages.where(F.coalesce("approved", F.lit(False))).select(
        F.col("campaign_id").alias("of_campaign"),
        F.col("customer_id").alias("of_customer"),
        F.col("offer_id").alias("of_offer"),
        F.col("text").alias("message_text"),
        F.col("language").alias("message_language"),
    )
    is_of_it = (
        (rows["campaign_id"] == approved["of_campaign"])
        & (rows["customer_id"] == approved["of_customer"])
        & (rows["offer_id"] == approved["of_offer"])
    )
    joined = rows.join(approved, on=is_of_it, how="left")
    may_go = F.col("campaign_id").isNull() | F.col("message_text").isNotNull() | F.col("is_expired")
    return joined.where(may_go).select(*rows.columns, "message_text", "message_language")


def _channel(ways: Sequence[Way]) -> Column:
    channel = F.lit(None).cast("string")
    for way in ways:
        channel = F.when(F.col("offer_id") == way.offer_id, way.channel).otherwise(channel)
    return channel
