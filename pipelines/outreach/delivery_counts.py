"""What deliver_outbox reports: contacts by channel and status, held back, and waiting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from runtime.progress import Progress
from runtime.wording import CONSENT_SETTING, plural
from transforms.consent import CONSENT_UNKNOWN
from transforms.delivery_barriers import HELD_BACK_BY, NOT_FULFILLED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# The reason for which contacts are held back -> why, and what sends them.
HELD_BACK_SAID = {
    CONSENT_UNKNOWN: "the consent of the customer is unknown (silver.customers.is_opted_out is "
    f"null or there is no profile). {CONSENT_SETTING}",
    NOT_FULFILLED: "their offer is not booked yet. The next run after silver.fulfilments has it "
    "sends them, until the offer expires. gold.outbox_deliveries lists them with reason "
    "not_fulfilled.",
}


def by_name(counts: Mapping[str, int]) -> str:
    """The counts as a text, sorted by name."""
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))


def tell(
    progress: Progress, counts_by_status: Mapping[str, int], waiting: Mapping[str, int]
) -> None:
    """Report the contacts of this run by channel and status, and those that wait."""
    progress.say(f"      outbox      {by_name(counts_by_status) or 'nothing was due'}")
    for channel, count in sorted(waiting.items()):
        progress.warn(
            f"{plural(count, 'contact')} of channel {channel} not sent: the channel is not set up "
            "in triggers.delivery, or its receiver does not answer. The next run tries them again."
        )


def tell_held_back(progress: Progress, counts: Mapping[str, int]) -> None:
    """Warn how many contacts are held back, for each reason, and what would send them."""
    for reason in HELD_BACK_BY:
        if counts.get(reason):
            progress.warn(
                f"{plural(counts[reason], 'contact')} held back: {HELD_BACK_SAID[reason]}"
            )


def tell_plan(progress: Progress, rows: DataFrame) -> None:
    """Report the contacts that a run would send by channel, and those it would hold back."""
    counts = rows.groupBy("channel", "barrier").count().collect()  # channels x barriers
    sent = {r["channel"]: r["count"] for r in counts if r["barrier"] is None}
    progress.say(f"      would send  {by_name(sent) or 'nothing'}")
    held_back: Counter[str] = Counter()
    for row in counts:
        held_back[row["barrier"]] += row["count"]
    tell_held_back(progress, held_back)
