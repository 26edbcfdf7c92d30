"""Sends contacts through their sinks, with retries. After a crash no contact is lost or repeated.

The one exception is a crash between the receiver's answer and the journal: see sinks.py.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
)

from pipelines.outreach.contact import Contact, NotSentError, Sink
from runtime.fault_points import fault_point
from runtime.files import Location
from runtime.settings.delivery import DeliverySettings
from transforms.delivery_barriers import HELD_BACK_BY

SENT, FAILED, DEAD, CANCELLED, HELD_BACK = "sent", "failed", "dead", "cancelled", "held_back"


@dataclass(frozen=True)
class Outcome:
    """The result for one contact. `attempts` includes those of earlier runs."""

    contact: Contact
    status: str
    reason: str | None
    attempts: int

    @property
    def is_new(self) -> bool:
        """False: an earlier run held the contact back for the same reason."""
        return self.status != HELD_BACK or self.reason != self.contact.held_back_for


class Journal:
    """The contacts that a receiver accepted but that the Delta table does not have yet.

    A Delta commit per contact would be too slow, so contacts are committed in batches. If a run
    dies before its commit, the next run reads here which contacts were sent. The file has one line
    per contact, at most rows_a_commit of this run, in the lakehouse's root. If the file is lost,
    receivers still recognise a contact by its contact_id.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Location.of(path)
        text = self.path.read() or b""
        # A line without a line end was cut by a crash and does not count.
        complete = text[: text.rfind(b"\n") + 1]
        if complete != text:
            self.path.write(complete)
        self.taken = set(complete.decode().split())

    def note(self, contact_id: str) -> None:
        """Record a contact. When this returns, the record is stored."""
        self.path.append(contact_id)
        self.taken.add(contact_id)

    def forget(self, contact_ids: Iterable[str]) -> None:
        """Remove contacts that the Delta table now has.

        Other contacts stay: they may be in a later batch, or not due on the day of this run.
        """
        left = self.taken.difference(contact_ids)
        if left == self.taken:
            return
        self.taken = left
        if not left:
            return self.path.delete()
        lines = "".join(f"{contact_id}\n" for contact_id in sorted(left))
        return self.path.write(lines.encode())


class Delivery:
    """The delivery of one run. Contacts of a channel without a sink, or that is down, wait.

    waiting: number of contacts that wait, by channel.
    """

    def __init__(
        self,
        sinks: Mapping[str, Sink],
        settings: DeliverySettings,
        journal: Journal,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.sinks, self.settings, self.journal = sinks, settings, journal
        self._sleep = sleep
        self._failures = dict.fromkeys(sinks, 0)
        self.waiting: dict[str, int] = {}

    def deliver(self, contacts: Iterable[Contact]) -> list[Outcome]:
        """One outcome per contact that was tried, held back or cancelled.

        Contacts that wait for their channel have none.
        """
        outcomes = (self._outcome(contact) for contact in contacts)
        return [outcome for outcome in outcomes if outcome is not None]

    def _outcome(self, contact: Contact) -> Outcome | None:
        if contact.contact_id in self.journal.taken:
            return Outcome(contact, SENT, None, contact.attempts + 1)
        if contact.barrier is not None:
            status = HELD_BACK if contact.barrier in HELD_BACK_BY else CANCELLED
            return Outcome(contact, status, contact.barrier, contact.attempts)
        if self._is_closed(contact.channel):
            self.waiting[contact.channel] = self.waiting.get(contact.channel, 0) + 1
            return None
        return self._tried(contact)

    def _is_closed(self, channel: str) -> bool:
        stop = self.settings.failures_to_stop
        return channel not in self.sinks or self._failures[channel] >= stop

    def _tried(self, contact: Contact) -> Outcome:
        """Try up to tries_a_run times, and up to most_attempts times over all runs."""
        most = self.settings.most_attempts
        # A contact that already had that many attempts gets one more.
        left = max(most - contact.attempts, 1)
        retrying = Retrying(
            retry=retry_if_exception(_may_be_retried),
            stop=stop_after_attempt(min(self.settings.tries_a_run, left)),
            wait=self._wait,
            sleep=self._sleep,
            reraise=True,
        )
        attempts = contact.attempts
        try:
            for attempt in retrying:
                attempts += 1
                with attempt:
                    self._send(contact)
        except NotSentError as error:
            # A final refusal may be caused by this contact alone, not by the channel.
            self._failures[contact.channel] += not error.is_final
            status = DEAD if error.is_final or attempts >= most else FAILED
            return Outcome(contact, status, error.reason, attempts)
        self._failures[contact.channel] = 0
        return Outcome(contact, SENT, None, attempts)

    def _send(self, contact: Contact) -> None:
        fault_point("before_send")
        self.sinks[contact.channel].send(contact)
        fault_point("after_send")
        self.journal.note(contact.contact_id)
        fault_point("after_note")

    def _wait(self, state: RetryCallState) -> float:
        """Seconds before the next attempt: exponential backoff, or Retry-After if it is longer."""
        first, longest = self.settings.first_wait_seconds, self.settings.longest_wait_seconds
        backoff = wait_exponential(multiplier=first, max=longest)(state)
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait_seconds if isinstance(error, NotSentError) else None
        return min(max(backoff, asked or 0.0), longest)


def _may_be_retried(error: BaseException) -> bool:
    return isinstance(error, NotSentError) and not error.is_final
