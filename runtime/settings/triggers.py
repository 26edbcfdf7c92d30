"""The section of the settings for automated engagement: rules, and where contacts go."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from runtime.settings.core import Section
from runtime.settings.decisions import checked_condition

# What a rule's condition may name.
KNOWN_OF_A_RISE = (
    "churn_probability",
    "value_at_stake",
    "clv_12m",
    "main_reason",
    "top_risk_factor",
    "lifecycle",
    "segment",
    "segment_group",
    "recency_days",
    "frequency",
    "engagement_score",
)
_LOCAL = ("http://127.0.0.1", "http://localhost")


class TriggerRule(Section):
    """A level that rises `to` one of these makes one contact a period."""

    name: str
    to: list[str] = Field(min_length=1)
    when: str | None
    action: Literal["offer", "survey", "support", "loyalty"]
    offer_id: str | None
    channel: Literal["file", "webhook", "email"]
    period_days: int = Field(ge=1)
    valid_days: int = Field(ge=1)

    @field_validator("name")
    @classmethod
    def _is_plain(cls, name: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise ValueError(f"must be lower snake_case, got {name!r}")
        return name

    @field_validator("when")
    @classmethod
    def _can_be_read(cls, condition: str | None) -> str | None:
        return checked_condition(condition, KNOWN_OF_A_RISE)

    @model_validator(mode="after")
    def _has_words(self) -> TriggerRule:
        is_handled_there = self.channel != "email" and self.action in ("support", "survey")
        if self.offer_id is None and not is_handled_there:
            raise ValueError(
                "offer_id must name an offer, whose words are sent; only action support or survey "
                "through file or webhook goes without"
            )
        return self


class WebhookSettings(Section):
    """The secret comes from HOLDFAST_WEBHOOK_SECRET."""

    url: str | None
    timeout_seconds: float = Field(gt=0)

    @field_validator("url")
    @classmethod
    def _is_private(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("https://", *_LOCAL)):
            raise ValueError("must start with https:// (http:// only on this machine)")
        if url is not None and "@" in url:
            raise ValueError("must hold no user or password")
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
            raise ValueError("must have en, which serves every other language")
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


class TriggerSettings(Section):
    cooling_off_days: int = Field(ge=0)
    rules: list[TriggerRule]
    delivery: DeliverySettings

    @field_validator("rules")
    @classmethod
    def _differ_in_name(cls, rules: list[TriggerRule]) -> list[TriggerRule]:
        names = [r.name for r in rules]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"each rule needs a name of its own; twice: {twice}")
        return rules
