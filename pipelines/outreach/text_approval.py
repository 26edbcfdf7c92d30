"""A person lists, reads, approves and rejects the texts of gold.text_pool."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runtime.context import Context
from runtime.errors import UsageError
from runtime.lakehouse.writes import Write
from runtime.wording import plural
from transforms.text_pool import restricted, with_decision, with_ids, with_prefix, with_status

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

ACTIONS = ("list", "show", "approve", "reject")
STATUSES = ("waiting", "approved", "rejected", "refused", "all")
# A pool has some hundred texts. More are counted, not printed.
MOST_LISTED = 1_000
FEWEST_DIGITS = 6
SHORT_ID = 10


@dataclass(frozen=True)
class ApprovalOptions:
    """Options of `approve_texts`.

    text_ids: ids or their first digits. offer, language, status: restrict `list`; offer and
    language also `approve` and `reject` without ids. by, at: who decided, and when (None: now).
    """

    action: str = "list"
    text_ids: Sequence[str] = field(default=())
    by: str | None = None
    at: dt.datetime | None = None
    offer: str | None = None
    language: str | None = None
    status: str = "waiting"


def run(context: Context, options: ApprovalOptions = ApprovalOptions()) -> None:
    """List or show texts, or record a decision on them in gold.text_pool."""
    check(options)
    context.needs("gold.text_pool", "write_messages")
    pool = context.read("gold.text_pool")
    texts = with_status(pool)
    if options.action == "list":
        status = None if options.status == "all" else options.status
        listed = restricted(texts, options.offer, options.language, status=status)
        return say_list(context, listed, options)
    if options.action == "show":
        return say_texts(context, rows_of_ids(texts, options.text_ids))
    chosen = wanted(texts, options)
    if not chosen:
        return context.progress.say("      no text waits that fits the options")
    return decide(context, pool, chosen, options=options)


def check(options: ApprovalOptions) -> None:
    """UsageError for an unknown action or status, and for missing options."""
    if options.action not in ACTIONS:
        raise UsageError(f"approve_texts {options.action}: must be one of {', '.join(ACTIONS)}.")
    if options.status not in STATUSES:
        raise UsageError(f"--status {options.status}: must be one of {', '.join(STATUSES)}.")
    short = [name for name in options.text_ids if len(name) < FEWEST_DIGITS]
    if short:
        raise UsageError(
            f"text_id {short[0]}: give at least its first {FEWEST_DIGITS} digits, as "
            "`approve_texts list` prints them."
        )
    if options.action == "show" and not options.text_ids:
        raise UsageError("approve_texts show: name one or more text_ids.")
    if options.action in ("approve", "reject"):
        if not (options.by or "").strip():
            raise UsageError(f"approve_texts {options.action}: say who decides, with --by NAME.")
        if not (options.text_ids or options.offer or options.language):
            raise UsageError(
                f"approve_texts {options.action}: name text_ids, or choose the waiting texts of an "
                "offer or a language with --offer or --language."
            )


def rows_of_ids(texts: DataFrame, text_ids: Sequence[str]) -> list[Row]:
    """The row of each id. UsageError if an id fits no text, or several."""
    rows: list[Row] = []
    for text_id in text_ids:
        # Two rows are enough to know that an id is not unique.
        hits = with_prefix(texts, text_id).limit(2).collect()
        if len(hits) != 1:
            which = "no text has" if not hits else "several texts have"
            raise UsageError(
                f"text_id {text_id}: {which} this id. `approve_texts list --status all` prints the "
                "ids."
            )
        rows += hits
    return rows


def wanted(texts: DataFrame, options: ApprovalOptions) -> list[str]:
    """The ids to decide on. UsageError if one of them was refused by the checks."""
    if not options.text_ids:
        waiting = restricted(texts, options.offer, options.language, status="waiting")
        # At most the pool: some thousand ids.
        return sorted(row["text_id"] for row in waiting.select("text_id").collect())
    rows = rows_of_ids(texts, options.text_ids)
    refused = [row for row in rows if row["status"] == "refused"]
    if refused and options.action == "approve":
        row = refused[0]
        raise UsageError(
            f"text_id {row['text_id'][:SHORT_ID]}: form checks: {row['form_verdict']}; judge: "
            f"{row['judge_verdict'] or 'not asked'}. Only a text that passed both can be approved."
        )
    return sorted(row["text_id"] for row in rows)


def decide(
    context: Context, pool: DataFrame, chosen: Sequence[str], *, options: ApprovalOptions
) -> None:
    """Record the decision on the chosen texts."""
    moment = options.at or dt.datetime.now(dt.UTC)
    is_approved = options.action == "approve"
    texts = with_ids(pool, chosen, is_usable_only=is_approved)
    decided = with_decision(texts, is_approved, (options.by or "").strip(), moment=moment)
    table = context.table("gold.text_pool")
    context.write([Write(table, decided.select(*table.column_names), mode="merge")])
    done = "approved" if is_approved else "rejected"
    context.progress.say(
        f"      {done:<11} {plural(len(chosen), 'text')} by {options.by}. Run write_messages "
        "again: it brings messages that were not sent yet up to date"
    )


def say_list(context: Context, texts: DataFrame, options: ApprovalOptions) -> None:
    """Print one line per text, and the number of texts."""
    count = texts.count()
    order = ("offer_id", "language", "theme", "tone", "text_id")
    for row in texts.orderBy(*order).limit(MOST_LISTED).collect():
        brief = ", ".join(row[name] for name in ("offer_id", "language", "theme", "tone"))
        context.progress.say(
            f"{row['text_id'][:SHORT_ID]}  {row['status']:<8}  {brief}\n    {row['text']}"
        )
    shown = f", the first {MOST_LISTED:,} are shown" if count > MOST_LISTED else ""
    context.progress.say(f"      {plural(count, 'text')} with status {options.status}{shown}")


def say_texts(context: Context, rows: Sequence[Row]) -> None:
    """Print all columns of each text."""
    for row in rows:
        for name, value in row.asDict().items():
            context.progress.say(f"{name:<14} {'-' if value is None else value}")
        context.progress.say()
