"""Write the message of each decided offer: an approved text of the pool, otherwise a template."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from messages.assembly import assembled
from messages.brief import (
    DEFAULT_LANGUAGE,
    DEFAULT_TONE,
    LANGUAGE_TAG,
    LANGUAGES,
    THEME_OF_REASON,
    Brief,
    Terms,
)
from messages.gateway import Gateway
from messages.judge import PASSED
from messages.names import clean_name
from pipelines.offers.consent import say_held_back
from pipelines.outreach.message_texts import (
    KEY,
    PooledText,
    Texts,
    brief_of,
    check_templates,
    fill_pool,
    gateway_of,
    read_pool,
)
from pipelines.outreach.newest_plan import at_newest_plan
from pipelines.outreach.offer_texts import terms_by_language
from pipelines.outreach.survey_links import SurveyLinks, with_survey_link
from runtime.context import Context
from runtime.errors import UsageError
from runtime.lakehouse.writes import Write
from runtime.settings import Settings
from runtime.settings.offers import OfferSettings, load_offers
from runtime.wording import plural, verb
from transforms.message_orders import (
    BRIEF,
    BriefRules,
    message_orders,
    offers_to_send,
    with_brief,
)
from udfs.shares import digest

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

CLAUDE, TEMPLATE = "claude", "template"


@dataclass(frozen=True)
class Parts:
    """What all messages of a run are assembled from. offers: terms by offer and language."""

    offers: Mapping[str, Mapping[str, Terms]]
    valid_days: Mapping[str, int]
    templates: Mapping[str, Mapping[str, str]]
    unsubscribe: str | None
    links: SurveyLinks

    @classmethod
    def of(cls, settings: Settings, offers: Mapping[str, OfferSettings]) -> Parts:
        """The parts of conf."""
        return cls(
            {name: terms_by_language(offer) for name, offer in offers.items()},
            {name: offer.valid_days for name, offer in offers.items()},
            settings.messages.templates_by_name(),
            settings.triggers.delivery.email.unsubscribe,
            SurveyLinks.of(settings.survey, offers),
        )


def run(context: Context) -> None:
    """Fill gold.text_pool for the briefs of the newest plan up to as_of, then write gold.messages.

    Each customer gets an approved text of their brief, or its template. A message that was sent is
    never changed; a template is replaced once a text is approved.
    """
    context = at_newest_plan(context)
    offers = load_offers()
    parts = Parts.of(context.settings, offers)
    check_templates(parts.templates)
    rows = context.lake.keep(wanted(context, offers))
    try:
        # Offers x themes x tones x languages: some hundred rows.
        briefs = [brief_of(row) for row in rows.select(*BRIEF).distinct().collect()]
        check_offers(briefs, offers, context.as_of)
        pool = read_pool(context, briefs)
        gateway = gateway_of(context)
        offered = offers_to_send(context.slice("gold.offer_decisions"))
        say_held_back(context, offered, "customers with an offer")
        if context.is_dry:
            return say_plan(context, rows, pool, can_ask=gateway.client is not None)
        warn_of_languages(context, rows)
        parts.links.tell_of_offers(context.progress, (brief.offer_id for brief in briefs))
        drafts = fill_pool(context, gateway, pool, offers=parts.offers)
        verdicts = write_messages(context, rows, pool, parts=parts)
    finally:
        context.lake.forget()
    tell(context, drafts, verdicts, pool=pool, gateway=gateway)
    return None


def wanted(context: Context, offers: Mapping[str, OfferSettings]) -> DataFrame:
    """One row per offer to send at as_of, with its brief and the data of its message."""
    day = f"TIMESTAMP'{context.as_of} 00:00:00'"
    profiles = context.read("silver.customers").where(
        f"valid_from < {day} AND (valid_to IS NULL OR valid_to >= {day})"
    )
    orders = message_orders(
        context.slice("gold.offer_decisions"),
        profiles,
        context.slice("gold.customer_segments"),
        scores=context.slice("gold.customer_scores"),
        messages=context.read("gold.messages"),
        outbox=context.read("gold.outbox"),
        deliveries=context.read("gold.outbox_deliveries"),
        when_consent_unknown=context.settings.contact.when_consent_unknown,
    )
    return with_brief(orders, brief_rules(context.settings, offers))


def brief_rules(settings: Settings, offers: Mapping[str, OfferSettings]) -> BriefRules:
    """How conf maps a customer to a brief."""
    return BriefRules(
        languages={name: [str(lang) for lang in offer.texts] for name, offer in offers.items()},
        themes={name: offer.theme for name, offer in offers.items()},
        theme_of_reason=THEME_OF_REASON,
        theme_of_away="welcome back",
        tones=settings.messages.tones,
        tone=DEFAULT_TONE,
        language_tag=LANGUAGE_TAG,
        known_languages=LANGUAGES,
        language=DEFAULT_LANGUAGE,
    )


def check_offers(
    briefs: Sequence[Brief], offers: Mapping[str, OfferSettings], as_of: dt.date
) -> None:
    """UsageError if a decision names an offer that is not in conf."""
    for brief in briefs:
        if brief.offer_id not in offers:
            raise UsageError(
                f"gold.offer_decisions, as_of {as_of}: offer_id {brief.offer_id} is not in "
                f"conf/offers.yaml, which has {', '.join(offers)}. Put the offer back into that "
                f"file, or run decide_offers for {as_of} again."
            )


def warn_of_languages(context: Context, rows: DataFrame) -> None:
    """Count the customers whose language tag is unknown. They are written to in English."""
    unknown = rows.where("is_language_unknown").count()
    if unknown:
        context.progress.warn(
            f"silver.customers: the language of {plural(unknown, 'customer')} with an offer is "
            "not a tag "
            "such as en, de-AT, fr_FR or es. Their messages are in English. Fix the mapping of "
            "`language`, or the source."
        )


def write_messages(
    context: Context, rows: DataFrame, pool: Mapping[Brief, Texts], *, parts: Parts
) -> Counter[str]:
    """Write the messages that are new or changed, part by part. Returns counts by verdict."""
    table = context.table("gold.messages")
    verdicts: Counter[str] = Counter()
    records = changed_messages(rows, pool, parts)
    while part := list(islice(records, context.settings.messages.rows_a_commit)):
        verdicts.update(str(record["guard_verdict"]) for record in part)
        values = [tuple(record[name] for name in table.column_names) for record in part]
        frame = context.spark.createDataFrame(values, table.ddl)
        context.lake.commit([Write(table, frame, mode="merge")])
    return verdicts


def changed_messages(
    rows: DataFrame, pool: Mapping[Brief, Texts], parts: Parts
) -> Iterator[dict[str, object]]:
    """One record of gold.messages per order whose message is new or has changed."""
    for row in rows.orderBy("customer_id").toLocalIterator():
        record = message_of(row, pool[brief_of(row)], parts)
        present = (row["present_text_id"], row["present_text"], row["present_verdict"])
        if (record["text_id"], record["text"], record["guard_verdict"]) != present:
            yield record


def message_of(row: Row, texts: Texts, parts: Parts) -> dict[str, object]:
    """The record of one order."""
    brief = brief_of(row)
    pooled = chosen(
        texts.approved, row["campaign_id"], row["customer_id"], present=row["present_text_id"]
    )
    text = pooled.text if pooled else parts.templates[brief.theme][brief.language]
    unsubscribe = (parts.unsubscribe or "").replace("{contact_id}", row["contact_id"])
    message = assembled(
        brief.language,
        clean_name(row["first_name"]),
        text,
        terms=with_survey_link(
            parts.offers[brief.offer_id][brief.language],
            parts.links.link(row["contact_id"], row["send_on"], offer_id=brief.offer_id),
        ),
        last_day=row["send_on"] + dt.timedelta(days=parts.valid_days[brief.offer_id]),
        unsubscribe=unsubscribe or None,
    )
    return {
        "campaign_id": row["campaign_id"],
        "customer_id": row["customer_id"],
        "offer_id": brief.offer_id,
        "text_id": pooled.text_id if pooled else brief.text_id(text),
        "text": message,
        "language": brief.language,
        "theme": brief.theme,
        "tone": brief.tone,
        "written_by": CLAUDE if pooled else TEMPLATE,
        "model": pooled.model if pooled else None,
        "prompt_version": pooled.prompt_version if pooled else None,
        "guard_verdict": PASSED if pooled else f"{TEMPLATE}: {texts.why_none}",
        **dict.fromkeys(("input_tokens", "output_tokens"), 0),
        "cost_usd": 0.0,
        # A person may hold back the message of one customer; that outlives a change of its text.
        "approved": row["present_approved"] is not False,
    }


def chosen(
    approved: Mapping[str, PooledText], campaign_id: str, customer_id: str, *, present: str | None
) -> PooledText | None:
    """The text of a customer: the present one if it is still approved, else the first by a hash.

    The hash gives each text the same share of the customers. A text that is approved later moves no
    customer who has a text.
    """
    if present is not None and present in approved:
        return approved[present]
    text_id = min(
        approved, key=lambda name: digest(f"text-{campaign_id}-{name}", customer_id), default=None
    )
    return None if text_id is None else approved[text_id]


def say_plan(
    context: Context, rows: DataFrame, pool: Mapping[Brief, Texts], *, can_ask: bool
) -> None:
    """Report what a run would write and its maximum cost. can_ask: there is an API key."""
    settings = context.settings.messages
    lacking = sum(texts.lacks(settings.variants) for texts in pool.values())
    how = "no text, all briefs have theirs"
    if lacking:
        texts, briefs = plural(lacking, "text"), plural(len(pool), "brief")
        how = f"{texts} of {briefs}, for at most {settings.spend_cap_usd} USD"
        if not can_ask:
            how = f"no text ({KEY} is not set)"
    context.progress.say(f"      would ask   Claude for {how}")
    context.progress.say(f"      would write up to {plural(rows.count(), 'message')}")


def tell(
    context: Context,
    drafts: Mapping[str, int],
    verdicts: Counter[str],
    *,
    pool: Mapping[Brief, Texts],
    gateway: Gateway,
) -> None:
    """Report the drafts of this run, the messages by writer, and what waits for approval."""
    progress = context.progress
    if gateway.calls:
        said = ", ".join(f"{number:,} {kind}" for kind, number in sorted(drafts.items()))
        progress.say(
            f"      wrote       gold.text_pool: {said or 'no text'}; "
            f"{gateway.budget.spent_usd:,.4f} USD in {plural(gateway.calls, 'call')}, at the "
            f"prices of {context.settings.messages.prices.read_on}"
        )
    by_template = Counter({v: n for v, n in verdicts.items() if v != PASSED})
    reason = f" (most frequent: {by_template.most_common(1)[0][0]})" if by_template else ""
    progress.say(
        f"      wrote       gold.messages: {verdicts[PASSED]:,} with a text of the pool, "
        f"{by_template.total():,} by template{reason}"
    )
    waiting = sum(texts.waiting for texts in pool.values())
    if waiting:
        progress.say(
            f"      {plural(waiting, 'text')} {verb(waiting, 'waits', 'wait')} for approval: see "
            "`approve_texts list`, then run write_messages again"
        )
