"""Send the contacts of the outbox: to files, to a webhook, by e-mail."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from messages.assembly import assembled
from messages.brief import DEFAULT_LANGUAGE, language_of
from messages.names import clean_name
from pipelines.offers.past_contacts import made_contacts
from pipelines.outreach.contact import Contact, Sink
from pipelines.outreach.delivery import HELD_BACK, Delivery, Journal, Outcome
from pipelines.outreach.delivery_counts import tell, tell_held_back, tell_plan
from pipelines.outreach.offer_texts import terms_by_language
from pipelines.outreach.sinks import FileSink, MailSink, WebhookSink
from pipelines.outreach.survey_links import SurveyLinks, with_survey_link
from runtime.context import Context
from runtime.errors import UsageError
from runtime.fault_points import fault_point
from runtime.lakehouse.writes import Write
from runtime.settings import Settings
from runtime.settings.offers import OfferSettings, load_offers
from runtime.wording import plural, verb
from transforms.decisions import with_optional
from transforms.delivery_barriers import with_barrier
from transforms.outbox import undelivered
from transforms.outbox_messages import Way, queued, sendable, with_message, with_wait

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

WEBHOOK_SECRET, SMTP_PASSWORD = "HOLDFAST_WEBHOOK_SECRET", "HOLDFAST_SMTP_PASSWORD"
JOURNAL = "outbox.journal"
# Columns of a due row that a contact has under the same name.
OF_A_CONTACT = (
    *("contact_id", "customer_id", "rule", "action", "offer_id", "channel", "campaign_id"),
    *("triggered_on", "from_level", "to_level", "attempts", "barrier", "held_back_for"),
)


@dataclass(frozen=True)
class DeliveryOptions:
    """Options of `deliver_outbox`.

    is_dead_retried: also try dead letters, counting their attempts from 0.
    """

    is_dead_retried: bool = False


def run(context: Context, options: DeliveryOptions = DeliveryOptions()) -> None:
    """Queue the messages that are due, then send the undelivered contacts of the outbox.

    Only messages with an approved text or a template are queued and sent.
    Writes gold.outbox and gold.outbox_deliveries.
    """
    queue_approved(context)
    if not context.has("gold.outbox"):
        return context.progress.say(
            "      outbox      no contact was triggered and no message is due yet"
        )
    offers = load_offers()
    rows = context.lake.keep(due(context, offers, is_dead_retried=options.is_dead_retried))
    if context.is_dry:
        return tell_plan(context.progress, rows)
    settings = context.settings.triggers.delivery
    SurveyLinks.of(context.settings.survey, offers).tell_of_contacts(context.progress, rows)
    counts_by_status: Counter[str] = Counter()
    held_back: Counter[str] = Counter()
    contacts = contacts_of(rows, offers, context.settings, is_dead_retried=options.is_dead_retried)
    with closing_all(sinks_of_conf(context.settings)) as sinks:
        delivery = Delivery(sinks, settings, Journal(context.settings.root / JOURNAL))
        while part := list(islice(contacts, settings.rows_a_commit)):
            outcomes = delivery.deliver(part)
            fault_point("before_mark")
            store(context, [o for o in outcomes if o.is_new])
            fault_point("after_mark")
            delivery.journal.forget(o.contact.contact_id for o in outcomes)
            counts_by_status.update(f"{o.contact.channel} {o.status}" for o in outcomes)
            held_back.update(o.reason for o in outcomes if o.status == HELD_BACK and o.reason)
    context.lake.forget()
    tell(context.progress, counts_by_status, delivery.waiting)
    return tell_held_back(context.progress, held_back)


def queue_approved(context: Context) -> None:
    """Add the messages that are due and may be sent to gold.outbox, each once.

    A message is due from its send_on, and later if something holds it back until then (see
    with_wait). Existing rows are never changed.
    """
    if not context.has("gold.messages"):
        return
    table = context.table("gold.outbox")
    decisions = context.read("gold.offer_decisions")
    ways = ways_of_conf(context.settings.messages.send_by, load_offers())
    candidates = queued(sendable_now(context), decisions, ways, day=context.as_of)
    fresh = candidates.join(context.read(table.name), on=list(table.key), how="left_anti")
    judged = context.lake.keep(with_wait_now(context, fresh.select(*table.column_names)))
    # At most three rows.
    waits = {r["wait"]: r["count"] for r in judged.groupBy("wait").count().collect()}
    for reason, count in sorted((w, n) for w, n in waits.items() if w is not None):
        context.progress.say(f"      outbox      {plural(count, 'message')} held back: {reason}")
    if count := waits.get(None, 0):
        context.progress.say(
            f"      outbox      {plural(count, 'message')} {verb(count, 'is', 'are')} due"
        )
        ready = judged.where("wait IS NULL").select(*table.column_names)
        context.write([Write(table, ready, mode="merge")])


def sendable_now(context: Context) -> DataFrame:
    """The messages whose text is a template of conf, or approved at this moment."""
    return sendable(context.read("gold.messages"), context.read("gold.text_pool"))


def ways_of_conf(send_by: str, offers: Mapping[str, OfferSettings]) -> list[Way]:
    """The channel of each offer's messages: `send_by`.

    If that is email, messages of an offer whose own channel is not email go to a file.
    """
    return [
        Way(
            name,
            send_by if send_by != "email" or offer.channel == "email" else "file",
            offer.valid_days,
        )
        for name, offer in offers.items()
    ]


def with_wait_now(context: Context, fresh: DataFrame) -> DataFrame:
    """The messages with `wait` as of now: an approval may come long after the plan was made."""
    scores = with_optional(context.read("gold.customer_scores"))
    days = context.settings.decisions.cooling_off_days
    return with_wait(
        fresh, made_contacts(context), scores, day=context.as_of, cooling_off_days=days
    )


@contextmanager
def closing_all(sinks: Mapping[str, Sink]) -> Iterator[Mapping[str, Sink]]:
    """The sinks; at the end their connections are closed."""
    try:
        yield sinks
    finally:
        for sink in sinks.values():
            sink.close()


def due(
    context: Context, offers: Mapping[str, OfferSettings], *, is_dead_retried: bool
) -> DataFrame:
    """One row per contact that is due, with its barrier, the customer's profile and the message.

    Reads the newest version of a customer and all fulfilments whatever as_of is, so that an
    opt-out, an address or a booking that came after the trigger counts. A message whose approval
    was withdrawn is left out.
    """
    rows = undelivered(
        context.read("gold.outbox"),
        context.read("gold.outbox_deliveries"),
        context.as_of,
        is_dead_tried=is_dead_retried,
    )
    current = context.read("silver.customers").where("valid_to IS NULL")
    profiles = current.select("customer_id", "first_name", "email", "language", "is_opted_out")
    known = with_message(rows, sendable_now(context)).join(profiles, on="customer_id", how="left")
    return with_barrier(
        known,
        context.read("silver.fulfilments"),
        offers=list(offers),
        booked_offers=[name for name, offer in offers.items() if offer.needs_fulfilment],
        when_consent_unknown=context.settings.contact.when_consent_unknown,
    )


def contacts_of(
    rows: DataFrame,
    offers: Mapping[str, OfferSettings],
    settings: Settings,
    *,
    is_dead_retried: bool = False,
) -> Iterator[Contact]:
    """The rows of `due` as contacts, by contact_id.

    A contact that will be sent has a text if it is a campaign message or goes by e-mail.
    """
    email = settings.triggers.delivery.email
    subjects = {str(language): text for language, text in email.subjects.items()}
    links = SurveyLinks.of(settings.survey, offers)
    for row in rows.orderBy("contact_id").toLocalIterator():
        fields = {name: row[name] for name in OF_A_CONTACT}
        if is_dead_retried:
            fields["attempts"] = 0
        contact = links.with_link(Contact(**fields))
        if contact.barrier is None and row["campaign_id"] is not None:
            contact = with_approved_text(contact, row, subjects)
        elif contact.barrier is None and row["channel"] == "email":
            contact = with_offer_text(contact, row, offers[row["offer_id"]], settings=settings)
        yield contact


def with_approved_text(contact: Contact, row: Row, subjects: Mapping[str, str]) -> Contact:
    """The contact with address, subject and the approved text."""
    subject = subjects.get(row["message_language"], subjects["en"])
    return replace(contact, address=row["email"], subject=subject, text=row["message_text"])


def with_offer_text(
    contact: Contact, row: Row, offer: OfferSettings, *, settings: Settings
) -> Contact:
    """The contact with address, subject, and the template and terms of its offer."""
    email = settings.triggers.delivery.email
    texts = terms_by_language(offer)
    spoken = language_of(row["language"])
    language = spoken if spoken in texts else DEFAULT_LANGUAGE
    text = assembled(
        language,
        clean_name(row["first_name"]),
        settings.messages.templates_by_name()[offer.theme][language],
        terms=with_survey_link(texts[language], contact.survey_link),
        last_day=contact.triggered_on + dt.timedelta(days=offer.valid_days),
        unsubscribe=(email.unsubscribe or "").replace("{contact_id}", contact.contact_id) or None,
    )
    subject = {str(k): v for k, v in email.subjects.items()}.get(language, email.subjects["en"])
    return replace(contact, address=row["email"], subject=subject, text=text)


def sinks_of_conf(settings: Settings) -> dict[str, Sink]:
    """The sinks that conf sets up, by channel. UsageError: a webhook without its secret."""
    conf = settings.triggers.delivery
    folder = conf.folder or settings.root / "outbox"
    sinks: dict[str, Sink] = {"file": FileSink(folder)}
    if conf.webhook.url:
        sinks["webhook"] = WebhookSink(
            conf.webhook, webhook_secret("triggers.delivery.webhook.url", "a contact")
        )
    if conf.email.host:
        sinks["email"] = MailSink(conf.email, smtp_password())
    return sinks


def smtp_password() -> str | None:
    """The password of the mail server; None: a server without a login."""
    return os.environ.get(SMTP_PASSWORD)


def webhook_secret(setting: str, what: str) -> str:
    """The secret of webhooks. UsageError if `setting` names one, but the secret is not set."""
    secret = os.environ.get(WEBHOOK_SECRET)
    if not secret:
        raise UsageError(
            f"{setting} is set, but {WEBHOOK_SECRET} is not. Without the "
            f"secret a receiver cannot verify that {what} comes from Holdfast. Set both, or "
            "neither."
        )
    return secret


def store(context: Context, outcomes: Sequence[Outcome]) -> None:
    """Merge the outcomes of one part."""
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
