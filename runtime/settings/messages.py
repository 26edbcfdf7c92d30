"""Settings of message writing: model, limits, prices."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from runtime.settings.core import Section


class PriceSettings(Section):
    """US dollars per million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cache_write: float = Field(ge=0)
    cache_read: float = Field(ge=0)
    batch_factor: float = Field(gt=0, le=1)


class MessageSettings(Section):
    model: str
    base_url: str | None
    max_tokens: int = Field(ge=50)
    concurrency: int = Field(ge=1, le=64)
    max_retries: int = Field(ge=0, le=10)
    timeout_seconds: float = Field(gt=0)
    deadline_seconds: float = Field(gt=0)
    failures_to_stop: int = Field(ge=1)
    spend_cap_usd: float = Field(ge=0)
    batch_from: int = Field(ge=1)
    batch_size: int = Field(ge=1, le=100_000)
    batch_poll_seconds: float = Field(gt=0)
    batch_wait_seconds: float = Field(ge=0)
    rows_a_commit: int = Field(ge=1)
    send_by: Literal["file", "webhook", "email"]
    prices: PriceSettings

    def of_a_writer(self) -> dict[str, Any]:
        """The fields of messages.limits.Limits: all but service, storage and channel."""
        return self.model_dump(exclude={"base_url", "rows_a_commit", "send_by"})
