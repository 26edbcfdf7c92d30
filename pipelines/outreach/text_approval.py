"""A person lists, reads, approves and rejects the texts of gold.text_pool."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runtime.approval_options import SHORT_ID, ApprovalOptions, check, check_usable
from runtime.context import Context
from runtime.errors import UsageError
from runtime.lakehouse.writes import Write
from runtime.suggestions import did_you_mean
from runtime.wording import plural
from transforms.text_pool import restricted, with_decision, with_ids, with_prefix, with_status

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

# A pool has some hundred texts. More are counted, not printed.
MOST_LISTED = 1_000
# Ids among which the nearest to a mistyped one is looked for.
MOST_COMPARED = 10_000


def run(context: Context, options: ApprovalOptions) -> None:
    """List or show texts, or record a decision on them in gold.text_pool."""
    check(options)
    context.needs("gold.text_pool", "write_messages")
    pool = context.read("gold.text_pool")
    check_restrictions(pool, options)
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


def rows_of_ids(texts: DataFrame, text_ids: Sequence[str]) -> list[Row]:
    """The row of each id. UsageError if an id fits no text, or several."""
    rows: list[Row] = []
    for text_id in text_ids:
        # Two rows are enough to know that an id is not unique.
        hits = with_prefix(texts, text_id).limit(2).collect()
        if len(hits) != 1:
            which = "no text has" if not hits else "several texts have"
            near = "" if hits else near_id(texts, text_id)
            raise UsageError(
                f"text_id {text_id}: {which} this id. `approve_texts list --status all` prints the "
                f"ids.{near}"
            )
        rows += hits
    return rows


def near_id(texts: DataFrame, text_id: str) -> str:
    """A question with the nearest id, as long as the given one; empty if none is near."""
    rows = texts.select("text_id").limit(MOST_COMPARED).collect()
    digits = len(text_id)
    return did_you_mean(text_id, sorted({row["text_id"][:digits] for row in rows}))


def check_restrictions(pool: DataFrame, options: ApprovalOptions) -> None:
    """UsageError if no text of the pool is of the offer or in the language of the options."""
    for option, name, value in (
        ("--offer", "offer_id", options.offer),
        ("--language", "language", options.language),
    ):
        if value is None:
            continue
        # As many rows as the pool has offers or languages.
        known = sorted(row[name] for row in pool.select(name).distinct().collect())
        if known and value not in known:
            raise UsageError(
                f"{option} {value}: no text has it. Texts have {', '.join(known)}."
                f"{did_you_mean(value, known)}"
            )


def wanted(texts: DataFrame, options: ApprovalOptions) -> list[str]:
    """The ids to decide on. UsageError if one of them was refused by the checks."""
    if not options.text_ids:
        waiting = restricted(texts, options.offer, options.language, status="waiting")
        # At most the pool: some thousand ids.
        return sorted(row["text_id"] for row in waiting.select("text_id").collect())
    rows = rows_of_ids(texts, options.text_ids)
    if options.action == "approve":
        for row in rows:
            check_usable(row.asDict())
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
