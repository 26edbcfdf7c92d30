"""The text pool as a run uses it: which texts a brief has, which it lacks, and what is stored."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from messages.brief import Brief, Terms
from messages.form import explained, faults
from messages.gateway import Gateway, make_client
from messages.judge import PASSED, PROMPT_VERSION, UNANSWERED
from messages.limits import Limits
from messages.writer import PoolText, Result, Wanted, Writer, verdict_of
from runtime.context import Context
from runtime.errors import UsageError
from runtime.lakehouse.writes import Write
from transforms.message_orders import BRIEF

if TYPE_CHECKING:
    from pyspark.sql import Row

KEY = "ANTHROPIC_API_KEY"
# A brief whose drafts are always refused is given up after this many drafts per text that it lacks.
DRAFTS_PER_TEXT = 3


@dataclass
class Texts:
    """The texts of one brief.

    approved: text_id -> row, of the texts that may be sent. waiting: texts that passed and wait for
    approval. present: all texts that were written. tried: drafts that were judged or failed the
    form checks; a draft without an answer of the judge does not count. reason: why this run wrote
    none.
    """

    approved: dict[str, PooledText] = field(default_factory=dict)
    waiting: int = 0
    usable: int = 0
    tried: int = 0
    present: list[str] = field(default_factory=list)
    reason: str = ""

    def lacks(self, variants: int) -> int:
        """How many texts to ask for."""
        left = variants * DRAFTS_PER_TEXT - self.tried
        return max(min(variants - self.usable, left), 0)

    @property
    def why_none(self) -> str:
        """Why a template serves."""
        if self.waiting:
            return "waiting_for_approval"
        return self.reason or ("refused" if self.tried else "no_text")


@dataclass(frozen=True)
class PooledText:
    """A text that may be sent."""

    text_id: str
    text: str
    model: str
    prompt_version: str


def read_pool(context: Context, briefs: Iterable[Brief]) -> dict[Brief, Texts]:
    """The texts of each brief in gold.text_pool."""
    pool = {brief: Texts() for brief in briefs}
    # Offers x themes x tones x languages x variants and refused drafts: some thousand rows.
    for row in context.read("gold.text_pool").orderBy("text_id").collect():
        texts = pool.get(brief_of(row))
        if texts is not None:
            add_row(texts, row)
    return pool


def brief_of(row: Row) -> Brief:
    """The brief of a row with its columns."""
    return Brief(*(row[name] for name in BRIEF))


def add_row(texts: Texts, row: Row) -> None:
    """Count one row of gold.text_pool."""
    texts.present.append(row["text"])
    verdict = verdict_of(row["form_verdict"], row["judge_verdict"])
    texts.tried += verdict != UNANSWERED
    if verdict != PASSED or row["approved"] is False:
        return
    texts.usable += 1
    if row["approved"]:
        pooled = PooledText(row["text_id"], row["text"], row["model"], row["prompt_version"])
        texts.approved[row["text_id"]] = pooled
    else:
        texts.waiting += 1


def gateway_of(context: Context) -> Gateway:
    """The gateway to Claude, with the limits of section `messages`. No API key: nothing is sent."""
    settings = context.settings.messages
    limits = Limits.of(settings.of_a_writer())
    return Gateway(make_client(os.environ.get(KEY), settings.base_url, limits), limits)


def fill_pool(
    context: Context,
    gateway: Gateway,
    pool: Mapping[Brief, Texts],
    *,
    offers: Mapping[str, Mapping[str, Terms]],
) -> Counter[str]:
    """Ask for the texts that briefs lack, and store each part before the next one is asked for.

    `offers`: the terms of each offer by language. Returns counts: passed, refused, unanswered.
    """
    variants = context.settings.messages.variants
    wanted = iter(
        Wanted(brief, offers[brief.offer_id][brief.language], count, tuple(texts.present))
        for brief, texts in sorted(pool.items(), key=lambda pair: pair[0])
        if (count := texts.lacks(variants))
    )
    counts: Counter[str] = Counter()
    writer = Writer(gateway)
    while part := list(islice(wanted, context.settings.messages.briefs_a_commit)):
        results = writer.write(part)
        store_texts(context, [text for result in results for text in result.texts])
        for result in results:
            note(pool[result.brief], result)
            counts.update(text.verdict for text in result.texts)
    return counts


def note(texts: Texts, result: Result) -> None:
    """Add what a run wrote to the texts of its brief. New texts wait for approval."""
    texts.reason = result.reason
    for text in result.texts:
        texts.present.append(text.text)
        texts.usable += text.is_passed
        texts.waiting += text.is_passed
        texts.tried += text.verdict != UNANSWERED
        if text.verdict == UNANSWERED:
            texts.reason = (text.judge_verdict or "").partition(": ")[2]


def store_texts(context: Context, texts: Sequence[PoolText]) -> None:
    """Merge new texts into gold.text_pool. None of them is approved yet."""
    if not texts:
        return
    table = context.table("gold.text_pool")
    records = [
        (
            t.text_id,
            *(t.brief.offer_id, t.brief.theme, t.brief.tone, t.brief.language),
            *(t.text, t.form_verdict, t.judge_verdict, t.judge_reason, t.model, PROMPT_VERSION),
            *(t.usage.input, t.usage.output, float(t.usage.cost_usd)),
            *(None, None, None),
        )
        for t in texts
    ]
    frame = context.spark.createDataFrame(records, table.ddl)
    context.lake.commit([Write(table, frame, mode="merge")])


def check_templates(templates: Mapping[str, Mapping[str, str]]) -> None:
    """UsageError if a template of conf fails the form checks: code adds what they must not hold."""
    for theme, texts in templates.items():
        for language, text in texts.items():
            broken = faults(text, language)
            if broken:
                raise UsageError(
                    f"conf: messages.templates.{theme}.{language}: {text!r} fails the form checks "
                    f"({', '.join(broken)}). {explained(broken)}"
                )
