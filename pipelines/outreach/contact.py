"""A contact of the outbox that is ready to be sent, and the protocol of a sink."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Contact:
    """A row of the outbox, with the customer's data at the time of sending.

    subject, text: the offer's text in the customer's language, or the approved message of a
    campaign; None if the contact has no text.
    address: only channel email uses the address. The other channels get the text only for a
    message of a campaign.
    barrier: why the contact is not sent now, see transforms.delivery_barriers; None: send it.
    held_back_for: the barrier for which an earlier run held it back; None: none did.
    survey_link: the customer's personal link, if the contact asks for answers to a survey.
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
    barrier: str | None = None
    held_back_for: str | None = None
    address: str | None = None
    subject: str | None = None
    text: str | None = None
    campaign_id: str | None = None
    survey_link: str | None = None

    def payload(self) -> dict[str, str | None]:
        """Content for a file or the webhook. No address; no name except in a message's text."""
        message = {} if self.campaign_id is None else {"text": self.text}
        survey = {} if self.survey_link is None else {"survey_link": self.survey_link}
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
            **survey,
        }


class NotSentError(Exception):
    """A sink could not deliver a contact.

    reason: a code without personal data.
    is_final: a retry cannot succeed.
    wait_seconds: how long the receiver asked to wait before the next attempt; None: it did not say.
    """

    def __init__(self, reason: str, is_final: bool, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.is_final, self.wait_seconds = reason, is_final, wait_seconds


class Sendable(Protocol):
    """What a webhook or a mailbox takes: a contact, or an alert of monitoring."""

    @property
    def contact_id(self) -> str:
        """The id by which the receiver recognises what is sent again."""

    @property
    def address(self) -> str | None:
        """The address of an e-mail."""

    @property
    def subject(self) -> str | None:
        """The subject of an e-mail."""

    @property
    def text(self) -> str | None:
        """The text of an e-mail."""

    def payload(self) -> Mapping[str, str | None]:
        """Content for a file or the webhook."""


class Sink(Protocol):
    """The destination of one channel. A contact that is sent again has the same contact_id."""

    def send(self, contact: Sendable) -> None:
        """Return when the receiver has accepted the contact. Otherwise raise NotSentError."""

    def close(self) -> None:
        """Close the connections. No contact is sent afterwards."""
