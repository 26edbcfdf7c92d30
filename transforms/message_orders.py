"""The offers for which a message is to be written, with the data that a message uses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, functions as F

from contracts.gold_engagement import OUTBOX_DELIVERIES
from transforms.consent import consent_barrier
from transforms.decisions import with_optional
from transforms.outbox import contact_id
from transforms.slices import newest_as_of

BRIEF = ("offer_id", "theme", "tone", "language")
# A contact with one of these statuses has its final text.
FINAL = ("sent", "dead", "cancelled")
AWAY = ("silent", "lost")


@dataclass(frozen=True)
class BriefRules:
    """How the brief of a customer follows from the tables.

    languages, themes: per offer, the languages of its texts and its theme. theme_of_reason: by main
    reason. tones: by segment group; other groups have `tone`. language_tag: a regular expression
    whose first group is the language of a tag; known_languages: those that it may be.
    """

    languages: Mapping[str, Sequence[str]]
    themes: Mapping[str, str]
    theme_of_reason: Mapping[str, str]
    theme_of_away: str
    tones: Mapping[str, str]
    tone: str
    language_tag: str
    known_languages: Sequence[str]
    language: str


def message_orders(
    decisions: DataFrame,
    profiles: DataFrame,
    segments: DataFrame,
    *,
    scores: DataFrame,
    messages: DataFrame,
    outbox: DataFrame,
    deliveries: DataFrame,
    when_consent_unknown: str,
) -> DataFrame:
    """One row per offer to send (campaign and customer), with the data of its message.

    Columns: campaign_id, customer_id, offer_id, as_of, send_on, contact_id, first_name,
    language_tag, segment_group, lifecycle, main_reason, and of the present message present_text_id,
    present_text, present_verdict and present_approved. `decisions`: gold.offer_decisions of one
    day. `profiles`: the customers' versions of that day, one row per customer. `segments` and
    `scores` hold that day; a customer without a row there has nulls. `messages`: gold.messages;
    without a message the present columns are null.

    Customers without an offer, the control group and customers who may not be contacted (see
    consent_barrier) have no row. Nor has a message that was sent or given up.
    """
    rows = offers_to_send(decisions).select(
        "campaign_id", "customer_id", "offer_id", "as_of", "send_on"
    )
    known = profiles.select(
        "customer_id", "first_name", F.col("language").alias("language_tag"), "is_opted_out"
    )
    groups = segments.select("customer_id", "segment_group", "lifecycle")
    reasons = with_optional(scores).select("customer_id", "main_reason")
    for other in (known, groups, reasons):
        # A plain select after each join, for the DuckDB engine.
        rows = rows.join(other, on="customer_id", how="left").select(
            *rows.columns, *other.columns[1:]
        )
    present = messages.select(
        "campaign_id",
        "customer_id",
        F.col("text_id").alias("present_text_id"),
        F.col("text").alias("present_text"),
        F.col("guard_verdict").alias("present_verdict"),
        F.col("approved").alias("present_approved"),
    )
    key = ["campaign_id", "customer_id"]
    rows = rows.join(present, on=key, how="left").select(*rows.columns, *present.columns[2:])
    rows = rows.join(_final(outbox, deliveries), on=key, how="left_anti").select(*rows.columns)
    rows = rows.where(consent_barrier(when_consent_unknown).isNull())
    rows = rows.select(*[c for c in rows.columns if c != "is_opted_out"])
    keyed = rows.select("*", F.col("campaign_id").alias("rule"), F.col("as_of").alias("period_on"))
    return keyed.select(*rows.columns, contact_id().alias("contact_id"))


def offers_to_send(decisions: DataFrame) -> DataFrame:
    """The decisions with an offer, without the control group."""
    return decisions.where(F.col("offer_id").isNotNull() & ~F.col("is_held_out"))


def newest_plan(decisions: DataFrame, day: dt.date) -> DataFrame:
    """One row: as_of of the newest plan up to `day`; null without a plan."""
    plans = decisions.where(F.col("as_of") <= F.lit(day).cast("date"))
    return newest_as_of(plans)


def with_brief(orders: DataFrame, rules: BriefRules) -> DataFrame:
    """One row per order: adds theme, tone, language and is_language_unknown.

    The language is the customer's if the offer has a text in it, else `rules.language`.
    is_language_unknown: the customer has a language tag that is none of the known languages.
    """
    tag = F.lower(F.regexp_extract("language_tag", rules.language_tag, 1))
    is_given = F.col("language_tag").isNotNull() & (F.trim("language_tag") != "")
    is_known = F.coalesce(tag.isin(*rules.known_languages), F.lit(False))
    is_away = F.coalesce(F.col("lifecycle").isin(*AWAY), F.lit(False))
    away = F.when(is_away, F.lit(rules.theme_of_away))
    theme = F.coalesce(
        _mapped("main_reason", rules.theme_of_reason), away, _mapped("offer_id", rules.themes)
    )
    has_text = F.lit(False)
    for offer, languages in rules.languages.items():
        has_text = F.when(F.col("offer_id") == offer, tag.isin(*languages)).otherwise(has_text)
    return orders.select(
        "*",
        theme.alias("theme"),
        F.coalesce(_mapped("segment_group", rules.tones), F.lit(rules.tone)).alias("tone"),
        F.when(F.coalesce(has_text, F.lit(False)), tag)
        .otherwise(F.lit(rules.language))
        .alias("language"),
        (is_given & ~is_known).alias("is_language_unknown"),
    )


def _final(outbox: DataFrame, deliveries: DataFrame) -> DataFrame:
    """One row per message (campaign_id, customer_id) that was sent or given up."""
    done = deliveries.where(F.col("status").isin(*FINAL)).select(*OUTBOX_DELIVERIES.key)
    queued = outbox.where(F.col("campaign_id").isNotNull())
    final = queued.join(done, on=list(OUTBOX_DELIVERIES.key), how="left_semi")
    return final.select("campaign_id", "customer_id")


def _mapped(column: str, values: Mapping[str, str]) -> Column:
    """The value of the column's key; null for other keys."""
    mapped = F.lit(None).cast("string")
    for key, value in values.items():
        mapped = F.when(F.col(column) == key, F.lit(value)).otherwise(mapped)
    return mapped
