"""Read the churn reason of support tickets from their text with Claude, if conf turns it on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import mlflow

from messages.gateway import Gateway, make_client
from messages.limits import Limits
from messages.ticket_labels import NOTHING, agreement, labelled
from runtime.context import Context
from runtime.wording import plural
from transforms.read_tickets import ticket_sample, ticket_texts, with_read_categories

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

KEY = "ANTHROPIC_API_KEY"
# A bound on the distinct first names that are collected; no language has more.
MOST_NAMES = 50_000


def with_read_tickets(context: Context, tickets: DataFrame) -> DataFrame:
    """The tickets. For tickets that Claude has read, the category is the reason it found.

    At most `most_tickets` texts without a reason are sent, chosen by a hash of the ticket id, and
    as many whose category already gives a reason. The agreement on the latter is logged to MLflow
    as `ticket_labels.accuracy`, `.kappa` and `.tickets`. Turned off: the tickets are unchanged.
    """
    reading = context.settings.training.reasons.read_by_claude
    if not reading.is_on:
        return tickets
    gateway, names = gateway_of(context), first_names(context)
    known, unknown = samples(context, tickets, reading.most_tickets)
    measured = agreement(read(gateway, known, names), known["reason"].tolist())
    mlflow.log_metrics({f"ticket_labels.{name}": value for name, value in measured.items()})
    context.progress.say(
        f"      Claude read {plural(len(known), 'ticket')} with a category: kappa "
        f"{measured['kappa']:.2f}, accuracy {measured['accuracy']:.2f}"
    )
    labels = read(gateway, unknown, names)
    rows = [
        (ticket_id, label)
        for ticket_id, label in zip(unknown["ticket_id"], labels, strict=True)
        if label is not None and label != NOTHING
    ]
    return with_categories(context, tickets, rows)


def gateway_of(context: Context) -> Gateway:
    """The gateway to Claude, with the limits of section `messages`. No API key: nothing is sent."""
    settings = context.settings.messages
    limits = Limits.of(settings.of_a_writer())
    return Gateway(make_client(os.environ.get(KEY), settings.base_url, limits), limits)


def first_names(context: Context) -> frozenset[str]:
    """The distinct first names of the customers, at most MOST_NAMES."""
    if not context.has("silver.customers"):
        return frozenset()
    names = context.read("silver.customers").select("first_name").distinct().limit(MOST_NAMES)
    return frozenset(r["first_name"] for r in names.collect() if r["first_name"])


def samples(context: Context, tickets: DataFrame, most: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """At most `most` tickets whose category gives a reason, and as many whose category does not.

    Columns: ticket_id, text, reason.
    """
    texts = ticket_texts(tickets, context.settings.training.reasons.ticket_categories)
    known, unknown = texts.where("reason IS NOT NULL"), texts.where("reason IS NULL")
    return ticket_sample(known, most).toPandas(), ticket_sample(unknown, most).toPandas()


def read(gateway: Gateway, rows: pd.DataFrame, names: frozenset[str]) -> list[str | None]:
    """Claude's label of each row's text."""
    return labelled(gateway, rows["text"].tolist(), names)


def with_categories(
    context: Context, tickets: DataFrame, rows: Sequence[tuple[str, str]]
) -> DataFrame:
    """Replace the categories of the tickets in `rows` (ticket_id, category)."""
    if not rows:
        return tickets
    labels = context.spark.createDataFrame(list(rows), "ticket_id string, label string")
    return with_read_categories(tickets, labels)
