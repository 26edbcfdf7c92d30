"""Tickets without a category that says a reason, read by Claude where conf asks for it."""

from __future__ import annotations

import os
from typing import Any

from runtime.context import Context

KEY = "ANTHROPIC_API_KEY"


def with_read_tickets(context: Context, tickets: Any) -> Any:
    """The tickets; those that were read have the reason as their category.

    At most conf's `most_tickets` texts are sent, chosen by a hash of the ticket, and as many whose
    category says a reason already: the agreement with those goes to MLflow, as
    `ticket_labels.accuracy`, `.kappa` and `.tickets`. Off: the tickets as they are.
    """
    import mlflow

    from messages.ticket_labels import NOTHING, agreement

    reading = context.settings.training.reasons.read_by_claude
    if not reading.is_on:
        return tickets
    gateway, names = gateway_of(context), first_names(context)
    known, unknown = samples(context, tickets, reading.most_tickets)
    found = read(gateway, known, names)
    measured = agreement(found, known["reason"].tolist())
    mlflow.log_metrics({f"ticket_labels.{name}": value for name, value in measured.items()})
    context.progress.say(
        f"      Claude read {len(known)} tickets that have a category: kappa "
        f"{measured['kappa']:.2f}, accuracy {measured['accuracy']:.2f}"
    )
    labels = read(gateway, unknown, names)
    rows = [
        (i, label)
        for i, label in zip(unknown["ticket_id"], labels, strict=True)
        if label not in (None, NOTHING)
    ]
    return with_categories(context, tickets, rows)


def gateway_of(context: Context) -> Any:
    """Claude within the limits of conf's section `messages`; without a key nothing is asked."""
    from messages.gateway import Gateway, make_client
    from messages.limits import Limits

    settings = context.settings.messages
    limits = Limits.of(settings.of_a_writer())
    return Gateway(make_client(os.environ.get(KEY), settings.base_url, limits), limits)


def first_names(context: Context) -> frozenset[str]:
    """The customers' first names; names are few, and 50,000 is above what any language has."""
    if not context.has("silver.customers"):
        return frozenset()
    found = context.read("silver.customers").select("first_name").distinct().limit(50_000).collect()
    return frozenset(r["first_name"] for r in found if r["first_name"])


def samples(context: Context, tickets: Any, most: int) -> tuple[Any, Any]:
    """At most `most` tickets with a category that says a reason, and as many with none, as pandas:
    ticket_id, text, reason."""
    from pyspark.sql import functions as F

    from transforms.reasons import reason_of_category

    reason = reason_of_category(context.settings.training.reasons.ticket_categories)
    rows = tickets.where("text IS NOT NULL").select("ticket_id", "text", reason.alias("reason"))
    parts = [rows.where("reason IS NOT NULL"), rows.where("reason IS NULL")]
    ordered = [p.orderBy(F.xxhash64("ticket_id"), "ticket_id").limit(most) for p in parts]
    return ordered[0].toPandas(), ordered[1].toPandas()


def read(gateway: Any, rows: Any, names: frozenset[str]) -> list[str | None]:
    """Claude's label of each row's text."""
    from messages.ticket_labels import labelled

    return labelled(gateway, rows["text"].tolist(), names)


def with_categories(context: Context, tickets: Any, rows: list[tuple[str, str]]) -> Any:
    """The tickets with the categories of `rows` (ticket_id, category) in place of their own."""
    from pyspark.sql import functions as F

    if not rows:
        return tickets
    labels = context.spark.createDataFrame(rows, "ticket_id string, label string")
    joined = tickets.join(labels, on="ticket_id", how="left")
    return joined.withColumn("category", F.coalesce("label", "category")).drop("label")
