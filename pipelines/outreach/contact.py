"""One contact on its way, and what may come of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Contact:
    """A row of the outbox with what is known of the customer when it is sent.

    `subject` and `text` are the offer's words in their language, or the approved message of a
    campaign; None where it has none. `address` goes to channel email alone; the words go elsewhere
    only where they are a campaign's message. `has_offer_gone`: conf has its offer no longer.
    """

    contact_id: str
    customer_id: str
    rule: str
    action: str
    offer_id: str | None
    channel: str
    triggered_on: dt.date
    from_level: str | None
    to_level: str | None
    attempts: int = 0
    is_expired: bool = False
    is_opted_out: bool = False
    has_offer_gone: bool = False
    address: str | None = None
    subject: str | None = None
    text: str | None = None
    campaign_id: str | None = None

    @property
    def barrier(self) -> str | None:
        """Why it is not sent any more: opted_out, expired or no_such_offer; None: nothing."""
        if self.is_opted_out:
            return "opted_out"
        if self.is_expired:
            return "expired"
        return "no_such_offer" if self.has_offer_gone else None

    def payload(self) -> dict[str, str | None]:
        """What the company's own systems get: no address, and no name but in a message's text."""
        message = {} if self.campaign_id is None else {"text": self.text}
        return {
            "contact_id": self.contact_id,
            "customer_id": self.customer_id,
            "rule": self.rule,
            "action": self.action,
            "offer_id": self.offer_id,
            "triggered_on": self.triggered_on.isoformat(),
            "from_level": self.from_level,
            "to_level": self.to_level,
            **message,
        }


class NotSentError(Exception):
    """A sink did not take a contact. `reason` is a code that quotes nobody.

    `is_final`: it never will. `wait_seconds`: the receiver said when to come again.
    """

    def __init__(self, reason: str, is_final: bool, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.is_final, self.wait_seconds = reason, is_final, wait_seconds


class Sink(Protocol):
    """Where contacts of a channel go. A contact that comes again has the same contact_id."""

    def send(self, contact: Contact) -> None:
        """Returns once the receiver has taken the contact; else NotSentError."""

    def close(self) -> None:
        """Nothing more will be sent."""
