"""Send what the outbox holds: to files, to a webhook, by e-mail."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from runtime.context import Context
from runtime.errors import UsageError
from runtime.fault_points import fault_point
from runtime.lakehouse.writes import Write
from runtime.settings.offers import OfferSettings, load_offers

WEBHOOK_SECRET, SMTP_PASSWORD = "HOLDFAST_WEBHOOK_SECRET", "HOLDFAST_SMTP_PASSWORD"
JOURNAL = "outbox.journal"


@dataclass(frozen=True)
class DeliveryOptions:
    """Options of `deliver_outbox`. is_dead_retried: also try contacts that were given up."""

    is_dead_retried: bool = False


def run(context: Context, options: DeliveryOptions = DeliveryOptions()) -> None:
    """gold.outbox gains the approved messages that are due; gold.outbox_deliveries of the contacts
    that were triggered by as_of and are not done with."""
    from pipelines.outreach.delivery import Delivery, Journal

    queue_approved(context)
    if not context.has("gold.outbox"):
        return context.progress.say(
            "      outbox      no contact was triggered and no message approved yet"
        )
    rows = context.lake.keep(due(context, options.is_dead_retried))
    if context.is_dry:
        counts = {r["channel"]: r["count"] for r in rows.groupBy("channel").count().collect()}
        return context.progress.say(f"      would send {counts or 'nothing'}")
    settings = context.settings.triggers.delivery
    found: list[tuple[str, str]] = []
    contacts = contacts_of(context, rows, options.is_dead_retried)
    with closing_all(sinks(context)) as ready:
        delivery = Delivery(ready, settings, Journal(context.settings.root / JOURNAL))
        while part := list(islice(contacts, settings.rows_a_commit)):
            outcomes = delivery.deliver(part)
            fault_point("before_mark")
            store(context, outcomes)
            fault_point("after_mark")
            delivery.journal.forget(o.contact.contact_id for o in outcomes)
            found += [(o.contact.channel, o.status) for o in outcomes]
    context.lake.forget()
    return tell(context, found, delivery.waiting)


def queue_approved(context: Context) -> None:
    """The messages that people have approved become rows of the outbox, once, on the day of their
    plan, or once nothing is in their way; a row that is there is never changed."""
    from transforms.outbox_messages import Way, queued

    if not context.has("gold.messages"):
        return
    by = context.settings.messages.send_by
    ways = [
        Way(name, by if by != "email" or offer.channel == "email" else "file", offer.valid_days)
        for name, offer in load_offers().items()
    ]
    table = context.table("gold.outbox")
    messages, decisions = (context.read(f"gold.{n}") for n in ("messages", "offer_decisions"))
    found = queued(messages, decisions, ways, context.as_of)
    fresh = found.join(context.read(table.name), on=list(table.key), how="left_anti")
    judged = context.lake.keep(judged_now(context, fresh.select(*table.column_names)))
    # At most three rows.
    waits = {r["wait"]: r["count"] for r in judged.groupBy("wait").count().collect()}
    fresh = judged.where("wait IS NULL").select(*table.column_names)
    for word, count in sorted((w, n) for w, n in waits.items() if w is not None):
        context.progress.say(f"      outbox      {count:,} approved messages are kept back: {word}")
    if count := waits.get(None, 0):
        context.progress.say(f"      outbox      {count:,} approved messages are due")
        context.write([Write(table, fresh, mode="merge")])


def judged_now(context: Context, fresh: Any) -> Any:
    """The messages with `wait`: an approval may come long after the plan that looked."""
    from pipelines.offers.past_contacts import made_contacts
    from transforms.decisions import with_optional
    from transforms.outbox_messages import with_wait

    contacts, scores = made_contacts(context), with_optional(context.read("gold.customer_scores"))
    days = context.settings.decisions.cooling_off_days
    return with_wait(fresh, contacts, scores, context.as_of, days)


@contextmanager
def closing_all(ready: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The sinks; their connections end with the run."""
    try:
        yield ready
    finally:
        for sink in ready.values():
            sink.close()


def due(context: Context, is_dead_retried: bool) -> Any:
    """One row a contact to send, with the customer's profile, and the message, as they are now.

    An opt-out or an address that came after the trigger counts: the newest version is read,
    whatever as_of is. So does an approval that was taken back.
    """
    from transforms.outbox import undelivered
    from transforms.outbox_messages import with_message

    rows = undelivered(
        context.read("gold.outbox"),
        context.read("gold.outbox_deliveries"),
        context.as_of,
        is_dead_retried,
    )
    current = context.read("silver.customers").where("valid_to IS NULL")
    profiles = current.select("customer_id", "first_name", "email", "language", "is_opted_out")
    return with_message(rows, context.read("gold.messages")).join(
        profiles, on="customer_id", how="left"
    )


def contacts_of(context: Context, rows: Any, is_dead_retried: bool) -> Iterator[Any]:
    """The rows as contacts, one after the other, by contact_id; words for channel email, and for
    the messages of a campaign, where they are sent."""
    from pipelines.outreach.contact import Contact

    names = (
        *("contact_id", "customer_id", "rule", "action", "offer_id", "channel", "campaign_id"),
        *("triggered_on", "from_level", "to_level", "attempts", "is_expired"),
    )
    offers = load_offers()
    for row in rows.orderBy("contact_id").toLocalIterator():
        fields = {name: row[name] for name in names}
        if is_dead_retried:
            fields["attempts"] = 0
        contact = Contact(
            **fields,
            is_opted_out=bool(row["is_opted_out"]),
            has_offer_gone=row["offer_id"] is not None and row["offer_id"] not in offers,
        )
        if contact.barrier is None and row["campaign_id"] is not None:
            contact = replace(contact, **approved_words(context, row))
        elif contact.barrier is None and row["channel"] == "email":
            contact = replace(contact, **written(context, row, offers[row["offer_id"]]))
        yield contact


def approved_words(context: Context, row: Any) -> dict[str, Any]:
    """Address, subject and text: the text as it was approved."""
    subjects: dict[Any, str] = context.settings.triggers.delivery.email.subjects
    return {
        "address": row["email"],
        "subject": subjects.get(row["message_language"], subjects["en"]),
        "text": row["message_text"],
    }


def written(context: Context, row: Any, offer: OfferSettings) -> dict[str, Any]:
    """Address, subject and text: the offer's words of conf, greeting by first name."""
    from messages.brief import Terms, make_brief
    from messages.templates import template

    texts: dict[str, Terms] = {lang: Terms(t.terms, t.sentence) for lang, t in offer.texts.items()}
    brief = make_brief(row["first_name"], 0, row["language"], row["offer_id"], texts, offer.theme)
    subjects: dict[Any, str] = context.settings.triggers.delivery.email.subjects
    return {
        "address": row["email"],
        "subject": subjects.get(brief.language, subjects["en"]),
        "text": template(brief),
    }


def sinks(context: Context) -> dict[str, Any]:
    """The sinks that conf sets up, by channel."""
    from pipelines.outreach.sinks import FileSink, MailSink, WebhookSink

    settings = context.settings.triggers.delivery
    folder = Path(settings.folder) if settings.folder else context.settings.root / "outbox"
    found: dict[str, Any] = {"file": FileSink(folder)}
    if settings.webhook.url:
        secret = os.environ.get(WEBHOOK_SECRET)
        if not secret:
            raise UsageError(
                f"triggers.delivery.webhook.url is set, and {WEBHOOK_SECRET} is not: a receiver "
                "could not tell our contacts from others'. Set both, or neither."
            )
        found["webhook"] = WebhookSink(settings.webhook, secret)
    if settings.email.host:
        found["email"] = MailSink(settings.email, os.environ.get(SMTP_PASSWORD))
    return found


def store(context: Context, outcomes: list[Any]) -> None:
    """Merge what came of one part."""
    if not outcomes:
        return
    table = context.table("gold.outbox_deliveries")
    records = [
        (
            o.contact.contact_id,
            o.contact.customer_id,
            o.status,
            o.reason,
            o.attempts,
            context.as_of,
        )
        for o in outcomes
    ]
    frame = context.spark.createDataFrame(records, table.ddl)
    context.lake.commit([Write(table, frame, mode="merge")])


def tell(context: Context, found: list[tuple[str, str]], waiting: dict[str, int]) -> None:
    """What became of the contacts of this run, and which could not go out."""
    from collections import Counter

    by = Counter(f"{channel} {status}" for channel, status in found)
    said = ", ".join(f"{name} {count:,}" for name, count in sorted(by.items())) or "nothing was due"
    context.progress.say(f"      outbox      {said}")
    for channel, count in sorted(waiting.items()):
        context.progress.warn(
            f"{count:,} contacts of channel {channel} wait: it is not set up in "
            "triggers.delivery, or does not answer. The next run takes them up."
        )
