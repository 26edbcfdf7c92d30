"""Settings of delivery: attempts, webhook, e-mail."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from runtime.settings.core import Section

# In the unsubscribe address: replaced by the id of the contact.
CONTACT_ID = "{contact_id}"
_LOCAL = ("127.0.0.1", "localhost", "::1")
_CONTROL = re.compile(r"[\s\x00-\x1f\x7f]")


def checked_url(url: str | None) -> str | None:
    """The address of a webhook itself. ValueError if it is not https, or holds a password."""
    if url is None:
        return None
    if _CONTROL.search(url):
        raise ValueError("must not contain a space, a line break or a control character")
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("must name a host, such as https://crm.example.com/contacts")
    is_local = parts.scheme == "http" and parts.hostname in _LOCAL
    if parts.scheme != "https" and not is_local:
        raise ValueError("must start with https:// (http:// only on this machine)")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not contain a user or password")
    return url


class WebhookSettings(Section):
    """The secret comes from HOLDFAST_WEBHOOK_SECRET."""

    url: str | None
    timeout_seconds: float = Field(gt=0)

    @field_validator("url")
    @classmethod
    def _is_private(cls, url: str | None) -> str | None:
        return checked_url(url)


class MailSettings(Section):
    """The password comes from HOLDFAST_SMTP_PASSWORD."""

    host: str | None
    port: int = Field(ge=1, le=65535)
    security: Literal["starttls", "tls", "none"]
    user: str | None
    sender: str
    unsubscribe: str | None
    timeout_seconds: float = Field(gt=0)
    subjects: dict[Literal["en", "de", "fr", "es"], str]

    @field_validator("sender")
    @classmethod
    def _is_an_address(cls, sender: str) -> str:
        if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", sender):
            raise ValueError(f"must be an e-mail address, got {sender!r}")
        return sender

    @field_validator("subjects")
    @classmethod
    def _has_english(cls, subjects: dict) -> dict:
        if "en" not in subjects:
            raise ValueError("must have en, the fallback for every other language")
        for language, subject in subjects.items():
            if re.search(r"[\x00-\x1f\x7f]", subject):
                raise ValueError(f"{language} must be one line without control characters")
        return subjects

    @field_validator("unsubscribe")
    @classmethod
    def _is_a_link(cls, link: str | None) -> str | None:
        if link is None:
            return None
        parts = urlsplit(link)
        is_link = parts.hostname if parts.scheme == "https" else "@" in parts.path
        if parts.scheme not in ("https", "mailto") or not is_link or _CONTROL.search(link):
            raise ValueError(f"must be a https: or mailto: address, got {link!r}")
        if parts.scheme == "https" and CONTACT_ID not in link:
            raise ValueError(
                f"must hold {CONTACT_ID}, because one click (RFC 8058) sends nothing else that "
                f"tells who unsubscribes; got {link!r}"
            )
        return link

    @model_validator(mode="after")
    def _is_safe_and_can_be_stopped(self) -> MailSettings:
        if self.host is None:
            return self
        if self.security == "none" and self.user and self.host not in _LOCAL:
            raise ValueError(
                f"security none would send the password of {self.user} in clear text to "
                f"{self.host}; set starttls or tls"
            )
        if self.unsubscribe is None:
            raise ValueError(
                "unsubscribe must be set when host is: every e-mail needs a way to unsubscribe; "
                "set a https: address (one click) or a mailto: address"
            )
        return self


class DeliverySettings(Section):
    tries_a_run: int = Field(ge=1, le=10)
    first_wait_seconds: float = Field(ge=0)
    longest_wait_seconds: float = Field(ge=0)
    most_attempts: int = Field(ge=1)
    failures_to_stop: int = Field(ge=1)
    rows_a_commit: int = Field(ge=1, le=100_000)
    folder: str | None
    webhook: WebhookSettings
    email: MailSettings
