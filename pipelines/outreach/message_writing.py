"""Write the message of every offer decided: by Claude within a spend cap, else by template."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from typing import Any

from runtime.context import Context
from runtime.errors import UsageError
from runtime.lakehouse.writes import Write
from runtime.settings.offers import load_offers

KEY = "ANTHROPIC_API_KEY"


def run(context: Context) -> None:
    """gold.messages of the offers decided at as_of; where a brief is unchanged, nothing is done."""
    from messages.batches import BatchPendingError, BatchWriter
    from messages.gateway import Gateway, make_client
    from messages.writer import Writer

    rows = context.lake.keep(wanted(context))
    count = rows.count()
    limits = limits_of(context)
    is_large = count >= limits.batch_from
    client = make_client(os.environ.get(KEY), context.settings.messages.base_url, limits)
    if context.is_dry:
        context.lake.forget()
        return say_plan(context, count, is_large, client is not None)
    gateway = Gateway(client, limits)
    writer = Writer(gateway, BatchWriter(gateway, DeltaLedger(context)), first_names(rows))
    written: list[Any] = []
    size = limits.batch_size if is_large else context.settings.messages.rows_a_commit
    try:
        for part in parts(orders(context, rows), size):
            found = writer.write(part, is_large)
            store(context, found)
            written += [(m.written_by, m.verdict) for m in found]
    except BatchPendingError as pending:
        context.progress.warn(
            f"message batch {pending}. Run the job again: it takes up the same batch, and pays "
            "for none twice."
        )
    finally:
        context.lake.forget()
    tell(context, written, gateway)
    return None


def wanted(context: Context) -> Any:
    """One row an offer that is sent at as_of and whose message is not there yet, or has changed."""
    from pyspark.sql import functions as F

    from transforms.decisions import with_optional

    context.needs("gold.offer_decisions", "decide_offers")
    day = f"TIMESTAMP'{context.as_of} 00:00:00'"
    sent = context.read("gold.offer_decisions").where(
        f"as_of = DATE'{context.as_of}' AND offer_id IS NOT NULL AND NOT is_held_out"
    )
    profiles = (
        context.read("silver.customers")
        .where(f"valid_from < {day} AND (valid_to IS NULL OR valid_to >= {day})")
        .select("customer_id", "first_name", "language", "is_opted_out")
    )
    tenure = context.slice("features.transactions")
    scores = context.slice("gold.customer_scores")
    rows = sent.select("campaign_id", "customer_id", "offer_id")
    for other in (
        profiles,
        tenure.select("customer_id", "tenure_months"),
        with_optional(scores).select("customer_id", "main_reason"),
        context.read("gold.messages").select(
            "campaign_id", "customer_id", F.col("brief_digest").alias("known_digest")
        ),
    ):
        on = [c for c in ("campaign_id", "customer_id") if c in other.columns]
        rows = rows.join(other, on=on, how="left")
    return rows.where(~F.coalesce(F.col("is_opted_out"), F.lit(False)))


def orders(context: Context, rows: Any) -> Iterator[Any]:
    """The orders of rows whose brief is not the one that was written for, by customer."""
    from messages.brief import Terms, make_brief
    from messages.prompt import PROMPT_VERSION
    from messages.writer import Order

    offers = load_offers()
    texts: dict[str, dict[str, Terms]] = {
        name: {lang: Terms(t.terms, t.sentence) for lang, t in o.texts.items()}
        for name, o in offers.items()
    }
    for row in rows.orderBy("customer_id").toLocalIterator():
        if row["offer_id"] not in offers:
            raise UsageError(
                f"gold.offer_decisions, as_of {context.as_of}: offer_id {row['offer_id']} is none "
                f"of conf/offers.yaml, which has {', '.join(offers)}. Put it back, or run "
                "decide_offers for that day again."
            )
        brief = make_brief(
            row["first_name"],
            row["tenure_months"],
            row["language"],
            row["offer_id"],
            texts[row["offer_id"]],
            offers[row["offer_id"]].theme,
            row["main_reason"],
        )
        if brief.digest(PROMPT_VERSION) != row["known_digest"]:
            yield Order(row["campaign_id"], row["customer_id"], brief)


def parts(found: Iterator[Any], size: int) -> Iterator[list[Any]]:
    """The orders by `size`; what is written of a part is stored before the next begins."""
    while part := list(islice(found, size)):
        yield part


def first_names(rows: Any) -> set[str]:
    """First names of the campaign, none of which may stand in another's message."""
    from messages.brief import clean_name

    # Names are few; 50,000 is above what any language has.
    found = rows.select("first_name").distinct().limit(50_000).collect()
    return {name for r in found if (name := clean_name(r["first_name"]))}


def store(context: Context, found: list[Any]) -> None:
    """Merge the messages of one part; none of them is approved yet."""
    from messages.prompt import PROMPT_VERSION

    table = context.table("gold.messages")
    records = [
        (
            m.order.campaign_id,
            m.order.customer_id,
            m.order.brief.offer_id,
            m.text,
            m.order.brief.language,
            m.order.brief.theme,
            m.written_by,
            m.model,
            PROMPT_VERSION,
            m.digest,
            m.verdict,
            m.usage.input,
            m.usage.output,
            float(m.usage.cost_usd),
            False,
        )
        for m in found
    ]
    frame = context.spark.createDataFrame(records, table.ddl)
    context.lake.commit([Write(table, frame, mode="merge")])


class DeltaLedger:
    """Batches noted in gold.message_batches, before anybody waits for them."""

    def __init__(self, context: Context) -> None:
        self.context, self.table = context, context.table("gold.message_batches")

    def _rows(self) -> dict[str, str]:
        # One row a batch of up to 100,000 messages.
        found = self.context.read("gold.message_batches").select("batch_key", "batch_id").collect()
        return {r["batch_key"]: r["batch_id"] for r in found}

    def batch_id(self, key: str) -> str | None:
        return self._rows().get(key)

    def known_ids(self) -> set[str]:
        return {batch_id for batch_id in self._rows().values() if batch_id}

    def note(self, key: str, batch_id: str, requests: int) -> None:
        frame = self.context.spark.createDataFrame([(key, batch_id, requests)], self.table.ddl)
        self.context.lake.commit([Write(self.table, frame, mode="merge")])


def limits_of(context: Context) -> Any:
    """The section `messages` of conf as the package takes it."""
    from messages.limits import Limits

    return Limits.of(context.settings.messages.of_a_writer())


def say_plan(context: Context, count: int, is_large: bool, has_key: bool) -> None:
    """What a run would write and could cost."""
    cap = context.settings.messages.spend_cap_usd
    way = "by template (no key)" if not has_key else "in batches" if is_large else "one by one"
    limit = f", for {cap:,.2f} USD at most" if has_key else ""
    context.progress.say(f"      would write up to {count:,} messages {way}{limit}")


def tell(context: Context, written: list[tuple[str, str]], gateway: Any) -> None:
    """Who wrote how many, for how much; the most frequent reason for a template."""
    from collections import Counter

    by = Counter(who for who, _ in written)
    why = Counter(verdict for who, verdict in written if who == "template").most_common(1)
    context.progress.say(
        f"      wrote       gold.messages: {by['claude']:,} by Claude, "
        + f"{by['template']:,} by template"
        + (f" (most: {why[0][0]})" if why else "")
        + f"; {gateway.budget.spent_usd:,.2f} USD in {gateway.calls:,} calls"
    )
