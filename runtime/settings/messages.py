"""Settings of message writing: model, limits, prices, templates."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from runtime.settings.core import Section

Language = Literal["en", "de", "fr", "es"]
Theme = Literal["new features", "support", "savings", "welcome back"]
# With thinking, an answer needs room for it.
FEWEST_TOKENS_WITH_THINKING = 2000


class PriceSettings(Section):
    """US dollars per million tokens, and the day on which they were read."""

    read_on: dt.date
    input: float = Field(ge=0)
    output: float = Field(ge=0)


class MessageSettings(Section):
    model: str
    base_url: str | None
    thinking: Literal["disabled", "adaptive"]
    max_tokens: int = Field(ge=50)
    variants: int = Field(ge=1, le=20)
    concurrency: int = Field(ge=1, le=64)
    max_retries: int = Field(ge=0, le=10)
    timeout_seconds: float = Field(gt=0)
    deadline_seconds: float = Field(gt=0)
    failures_to_stop: int = Field(ge=1)
    spend_cap_usd: float = Field(ge=0)
    briefs_a_commit: int = Field(ge=1, le=1000)
    rows_a_commit: int = Field(ge=1)
    send_by: Literal["file", "webhook", "email"]
    prices: PriceSettings
    tones: dict[str, Literal["warm", "appreciative", "welcoming"]]
    templates: dict[Theme, dict[Language, str]]

    @field_validator("templates")
    @classmethod
    def _are_complete(cls, templates: dict) -> dict:
        lacking = [
            f"{theme}.{language}"
            for theme in get_args(Theme)
            for language in get_args(Language)
            if not templates.get(theme, {}).get(language, "").strip()
        ]
        if lacking:
            raise ValueError(f"must have a text for each theme and language, lacks {lacking}")
        return templates

    @model_validator(mode="after")
    def _has_room_to_think(self) -> MessageSettings:
        if self.thinking != "disabled" and self.max_tokens < FEWEST_TOKENS_WITH_THINKING:
            raise ValueError(
                f"max_tokens must be at least {FEWEST_TOKENS_WITH_THINKING} if thinking is "
                f"{self.thinking}, because thinking counts toward it; got {self.max_tokens}"
            )
        return self

    def templates_by_name(self) -> dict[str, dict[str, str]]:
        """The templates by theme and language, both as plain texts."""
        return {str(k): {str(lang): t for lang, t in v.items()} for k, v in self.templates.items()}

    def of_a_writer(self) -> dict[str, Any]:
        """The fields of messages.limits.Limits."""
        return self.model_dump(
            include={
                *("model", "thinking", "max_tokens", "concurrency", "max_retries", "prices"),
                *("timeout_seconds", "deadline_seconds", "failures_to_stop", "spend_cap_usd"),
            }
        )
