"""An alert: what happened, and what a person should do."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, replace
from typing import Any

WARNING, CRITICAL = "warning", "critical"


@dataclass(frozen=True)
class Alert:
    """One row of gold.alerts. `about` makes the id unique within as_of and source.

    sent_to: the sinks that accepted it, in an earlier run or in this one.
    """

    as_of: dt.date
    source: str
    about: str
    severity: str
    message: str
    what_to_do: str
    raised_at: dt.datetime | None = None
    sent_to: tuple[str, ...] = ()
    address: str | None = None

    @property
    def contact_id(self) -> str:
        """The id by which a receiver recognises an alert that is sent again."""
        text = "|".join((self.as_of.isoformat(), self.source, self.about))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def subject(self) -> str:
        """The subject of an e-mail."""
        return f"Holdfast {self.severity}: {self.source}, {self.about}"

    @property
    def text(self) -> str:
        """The text of an e-mail."""
        return f"{self.message}\n\nWhat to do: {self.what_to_do}\n"

    def payload(self) -> dict[str, str]:
        """Content for the webhook. It holds no personal data."""
        return {
            "alert_id": self.contact_id,
            "as_of": self.as_of.isoformat(),
            "severity": self.severity,
            "source": self.source,
            "message": self.message,
            "what_to_do": self.what_to_do,
        }

    def to(self, address: str | None) -> Alert:
        """The same alert with the address of an e-mail."""
        return replace(self, address=address)

    def row(self) -> dict[str, Any]:
        """The row of gold.alerts."""
        return {
            **self.payload(),
            "as_of": self.as_of,
            "raised_at": self.raised_at,
            "sent_to": ", ".join(self.sent_to) or None,
        }
