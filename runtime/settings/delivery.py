"""Settings of delivery: attempts, webhook, e-mail."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from runtime.settings.core import Section

_LOCAL = ("127.0.0.1", "localhost")


class WebhookSettings(Section):
    """The secret comes from HOLDFAST_WEBHOOK_SECRET."""

    url: str | None
    timeout_seconds: float = Field(gt=0)

    @field_validator("url")
    @classmethod
    def _is_private(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "")
        is_local = parts.scheme == "http" and parts.hostname in _LOCAL
        if url is not None and parts.scheme != "https" and not is_local:
            raise ValueError("must start with https:// (http:// only on this machine)")
        if url is not None and "@" in url:
            raise ValueError("must not contain a user or password")
        return url


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
        return subjects


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
