"""Write the message of each decided offer: by Claude within a spend cap, otherwise by template."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from messages.batches import BatchPendingError, BatchWriter
from messages.brief import clean_name, make_brief
from messages.gateway import Gateway, make_client
from messages.limits import Limits
from messages.prompt import PROMPT_VERSION
from messages.writer import Message, Order, Writer
from pipelines.outreach.offer_texts import terms_by_language
from runtime.context import Context
from runtime.errors import UsageError
from runtime.lakehouse.writes import Write
from runtime.progress import Progress
from runtime.settings.offers import OfferSettings, load_offers
from transforms.message_orders import message_orders

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

KEY = "ANTHROPIC_API_KEY"


def run(context: Context) -> None:
    """Write the messages of the offers decided at as_of to gold.messages.

    A message whose brief did not change is not written again.
    """
    rows = context.lake.keep(wanted(context))
    count = rows.count()
    limits = Limits.of(context.settings.messages.of_a_writer())
    is_large = count >= limits.batch_from
    client = make_client(os.environ.get(KEY), context.settings.messages.base_url, limits)
    if context.is_dry:
        context.lake.forget()
        cap = None if client is None else limits.spend_cap_usd
        return say_plan(context.progress, count, is_large, cap_usd=cap)
    gateway = Gateway(client, limits)
    writer = Writer(gateway, BatchWriter(gateway, DeltaLedger(context)), first_names(rows))
    verdicts: list[tuple[str, str]] = []
    size = limits.batch_size if is_large else context.settings.messages.rows_a_commit
    try:
        for part in parts(orders(rows, load_offers(), context.as_of), size):
            messages = writer.write(part, is_large)
            store(context, messages)
            verdicts += [(m.written_by, m.verdict) for m in messages]
    except BatchPendingError as pending:
        context.progress.warn(
            f"message batch {pending}. Run write_messages again: it fetches the results of this "
            "batch, which is not sent or paid for twice."
        )
    finally:
        context.lake.forget()
    tell(context.progress, verdicts, gateway)
    return None


def wanted(context: Context) -> DataFrame:
    """One row per offer to send at as_of, with the data of its message (see message_orders)."""
    context.needs("gold.offer_decisions", "decide_offers")
    day = f"TIMESTAMP'{context.as_of} 00:00:00'"
    profiles = context.read("silver.customers").where(
        f"valid_from < {day} AND (valid_to IS NULL OR valid_to >= {day})"
    )
    return message_orders(
        context.slice("gold.offer_decisions"),
        profiles,
        context.slice("features.transactions"),
        scores=context.slice("gold.customer_scores"),
        messages=context.read("gold.messages"),
    )


def orders(rows: DataFrame, offers: Mapping[str, OfferSettings], as_of: dt.date) -> Iterator[Order]:
    """The orders whose brief is new or has changed, by customer_id.

    UsageError: a decision names an offer that is not in `offers`.
    """
    texts = {name: terms_by_language(offer) for name, offer in offers.items()}
    for row in rows.orderBy("customer_id").toLocalIterator():
        if row["offer_id"] not in offers:
            raise UsageError(
                f"gold.offer_decisions, as_of {as_of}: offer_id {row['offer_id']} is not in "
                f"conf/offers.yaml, which has {', '.join(offers)}. Put the offer back into that "
                f"file, or run decide_offers for {as_of} again."
            )
        brief = make_brief(
            row["first_name"],
            row["tenure_months"],
            row["language"],
            offer_id=row["offer_id"],
            texts=texts[row["offer_id"]],
            offer_theme=offers[row["offer_id"]].theme,
            main_reason=row["main_reason"],
        )
        if brief.digest(PROMPT_VERSION) != row["known_digest"]:
            yield Order(row["campaign_id"], row["customer_id"], brief)


def parts(orders: Iterator[Order], size: int) -> Iterator[list[Order]]:
    """The orders in parts of `size`. Each part is stored before the next one is written."""
    while part := list(islice(orders, size)):
        yield part


def first_names(rows: DataFrame) -> set[str]:
    """The first names of the campaign. A message must not contain that of another customer."""
    # Bounded: 50,000 is more than the number of first names of any language.
    names = rows.select("first_name").distinct().limit(50_000).collect()
    return {name for r in names if (name := clean_name(r["first_name"]))}


def store(context: Context, messages: Sequence[Message]) -> None:
    """Merge the messages of one part. None of them is approved yet."""
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
        for m in messages
    ]
    frame = context.spark.createDataFrame(records, table.ddl)
    context.lake.commit([Write(table, frame, mode="merge")])


class DeltaLedger:
    """Record of message batches in gold.message_batches, written before the results are awaited."""

    def __init__(self, context: Context) -> None:
        self.context, self.table = context, context.table("gold.message_batches")

    def _ids_by_key(self) -> dict[str, str]:
        # One row per batch of up to 100,000 messages.
        rows = self.context.read("gold.message_batches").select("batch_key", "batch_id").collect()
        return {r["batch_key"]: r["batch_id"] for r in rows}

    def batch_id(self, key: str) -> str | None:
        return self._ids_by_key().get(key)

    def known_ids(self) -> set[str]:
        return {batch_id for batch_id in self._ids_by_key().values() if batch_id}

    def note(self, key: str, batch_id: str, requests: int) -> None:
        frame = self.context.spark.createDataFrame([(key, batch_id, requests)], self.table.ddl)
        self.context.lake.commit([Write(self.table, frame, mode="merge")])


def say_plan(progress: Progress, count: int, is_large: bool, *, cap_usd: float | None) -> None:
    """Report what a run would write and its maximum cost. cap_usd: None without a key."""
    if cap_usd is None:
        how = f"by template ({KEY} is not set)"
    else:
        calls = "in batches" if is_large else "in single calls"
        how = f"by Claude {calls}, for at most {cap_usd:,.2f} USD"
    progress.say(f"      would write up to {count:,} messages {how}")


def tell(progress: Progress, verdicts: Sequence[tuple[str, str]], gateway: Gateway) -> None:
    """Report the messages by writer, the cost, and the most frequent reason for a template."""
    by_writer = Counter(writer for writer, _ in verdicts)
    reasons = Counter(verdict for writer, verdict in verdicts if writer == "template")
    reason = f" (most frequent reason: {reasons.most_common(1)[0][0]})" if reasons else ""
    progress.say(
        f"      wrote       gold.messages: {by_writer['claude']:,} by Claude, "
        f"{by_writer['template']:,} by template{reason}; "
        f"{gateway.budget.spent_usd:,.2f} USD in {gateway.calls:,} calls"
    )
