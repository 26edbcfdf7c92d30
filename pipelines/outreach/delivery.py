"""Contacts to their sinks: tried, retried, given up; a kill leaves none out and none twice."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.outreach.contact import Contact, NotSentError, Sink
from runtime.fault_points import fault_point
from runtime.settings.delivery import DeliverySettings

SENT, FAILED, DEAD, CANCELLED = "sent", "failed", "dead", "cancelled"


@dataclass(frozen=True)
class Outcome:
    """What came of a contact. `attempts` counts those of earlier runs too."""

    contact: Contact
    status: str
    reason: str | None
    attempts: int


class Journal:
    """The contacts that a receiver took, one line each, before Delta knows of them.

    Marking each in Delta would cost a commit a contact, so they are marked by the hundred; the run
    after one that died before finds here what is sent already. The file lies beside the lakehouse's
    lock, on the driver's disk; where that is lost too, receivers know a contact by its name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        text = path.read_bytes() if path.exists() else b""
        # A line that was cut in the middle has no end, and does not count.
        whole = text[: text.rfind(b"\n") + 1]
        if whole != text:
            os.truncate(path, len(whole))
        self.taken = set(whole.decode().split())

    def note(self, contact_id: str) -> None:
        """On the disk when it returns."""
        with self.path.open("a") as file:
            file.write(f"{contact_id}\n")
            file.flush()
            os.fsync(file.fileno())
        self.taken.add(contact_id)

    def forget(self, contact_ids: Iterable[str]) -> None:
        """Delta knows these now. Others stay: contacts that became due since may have pushed them
        into a later part, or the run is of a day on which they are not due."""
        left = self.taken.difference(contact_ids)
        if left == self.taken:
            return
        self.taken = left
        if not left:
            return self.path.unlink(missing_ok=True)
        new = self.path.with_suffix(".new")
        with new.open("w") as file:
            file.writelines(f"{contact_id}\n" for contact_id in sorted(left))
            file.flush()
            os.fsync(file.fileno())
        return os.replace(new, self.path)


class Delivery:
    """One run over the sinks. A channel that has no sink, or is down, keeps its contacts."""

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
        """One outcome for each contact that was tried or is not to be sent any more."""
        found = (self._outcome(contact) for contact in contacts)
        return [outcome for outcome in found if outcome is not None]

    def _outcome(self, contact: Contact) -> Outcome | None:
        if contact.contact_id in self.journal.taken:
            return Outcome(contact, SENT, None, contact.attempts + 1)
        if contact.barrier is not None:
            return Outcome(contact, CANCELLED, contact.barrier, contact.attempts)
        if self._is_closed(contact.channel):
            self.waiting[contact.channel] = self.waiting.get(contact.channel, 0) + 1
            return None
        return self._tried(contact)

    def _is_closed(self, channel: str) -> bool:
        stop = self.settings.failures_to_stop
        return channel not in self.sinks or self._failures[channel] >= stop

    def _tried(self, contact: Contact) -> Outcome:
        attempts, most = contact.attempts, self.settings.tries_a_run
        for turn in range(most):
            attempts += 1
            try:
                fault_point("before_send")
                self.sinks[contact.channel].send(contact)
            except NotSentError as error:
                if error.is_final or attempts >= self.settings.most_attempts:
                    # It may be this contact's own fault, which says nothing about the channel.
                    self._failures[contact.channel] += not error.is_final
                    return Outcome(contact, DEAD, error.reason, attempts)
                reason = error.reason
                if turn + 1 < most:
                    self._sleep(self._wait(turn, error.wait_seconds))
            else:
                fault_point("after_send")
                self.journal.note(contact.contact_id)
                fault_point("after_note")
                self._failures[contact.channel] = 0
                return Outcome(contact, SENT, None, attempts)
        self._failures[contact.channel] += 1
        return Outcome(contact, FAILED, reason, attempts)

    def _wait(self, turn: int, said: float | None) -> float:
        """Doubles from try to try, or as the receiver said where that is longer."""
        doubled = self.settings.first_wait_seconds * 2**turn
        return min(max(doubled, said or 0.0), self.settings.longest_wait_seconds)
