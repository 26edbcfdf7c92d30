"""gold.satisfaction: what customers answered, else their stars, else the tone of their texts."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame, Window, functions as F

from contracts.gold_satisfaction import SATISFACTION
from transforms.conform import conform
from transforms.visibility import keep_visible
from udfs.satisfaction import satisfaction_basis, satisfaction_score
from udfs.survey_tokens import ID_LENGTH


def latest_answers(answers: DataFrame, outbox: DataFrame, as_of: dt.date) -> DataFrame:
    """One row per customer with an answer before as_of: customer_id, survey_score, answered_on.

    `answers`: silver.survey_answers, whose tokens ingest has verified. `outbox`: gold.outbox, which
    knows the customer of a token; see `without_contact`. Of several answers the latest counts, and
    of those at the same time the lowest score.
    """
    seen = _visible(answers, as_of)
    contacts = outbox.select("contact_id", F.col("customer_id").alias("contacted_id"))
    joined = seen.join(contacts, on="contact_id", how="left").select(
        F.when(F.col("contact_id").isNull(), F.col("named_id"))
        .otherwise(F.col("contacted_id"))
        .alias("customer_id"),
        "answered_at",
        "score",
    )
    latest = Window.partitionBy("customer_id").orderBy(F.desc("answered_at"), "score")
    ranked = joined.where(F.col("customer_id").isNotNull()).select(
        "*", F.row_number().over(latest).alias("turn")
    )
    return ranked.where(F.col("turn") == 1).select(
        "customer_id",
        F.col("score").alias("survey_score"),
        F.col("answered_at").cast("date").alias("answered_on"),
    )


def without_contact(answers: DataFrame, outbox: DataFrame, as_of: dt.date) -> DataFrame:
    """One row per answer before as_of that `latest_answers` ignores: its contact is unknown."""
    named = _visible(answers, as_of).where(F.col("contact_id").isNotNull())
    return named.join(outbox.select("contact_id"), on="contact_id", how="left_anti")


def satisfaction(segments: DataFrame, features: DataFrame, answers: DataFrame) -> DataFrame:
    """One row per (customer_id, as_of) of `segments`, which holds every known customer.

    `features`: rows of features.behavior at the same as_of. `answers`: those of `latest_answers`.
    """
    reviews, tickets = F.col("review_sentiment_mean"), F.col("ticket_sentiment_mean")
    both = (F.coalesce(reviews, tickets) + F.coalesce(tickets, reviews)) / 2
    said = features.select(
        "customer_id", F.col("review_stars_mean").alias("stars"), both.alias("sentiment")
    )
    rows = segments.select("customer_id", "as_of", "segment")
    rows = rows.join(said, on="customer_id", how="left")
    rows = rows.join(answers, on="customer_id", how="left")
    known = {name: name for name in ("survey_score", "stars", "sentiment")}
    scored = rows.select(
        "*",
        satisfaction_score(**known).alias("satisfaction_score"),
        satisfaction_basis(**known).alias("satisfaction_basis"),
    )
    return conform(scored, SATISFACTION)


def _visible(answers: DataFrame, as_of: dt.date) -> DataFrame:
    token = F.nullif(F.trim("token"), F.lit(""))
    return keep_visible(answers, "answered_at", as_of).select(
        F.col("customer_id").alias("named_id"),
        F.substring(token, 1, ID_LENGTH).alias("contact_id"),
        "answered_at",
        "score",
    )
