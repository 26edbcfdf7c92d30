"""Settings of stream_events, and of a source whose events arrive as a stream."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from runtime.settings.core import Section, checked_condition
from runtime.settings.triggers import TriggerRule

# Columns that the condition of a rule may use.
KNOWN_OF_A_FALL = ("engagement_score", "change_1d", "level", "level_before")


class StreamSourceSettings(Section):
    """Events as JSON objects: one per line of a file, or one per message of a Kafka topic.

    fields: names of the JSON fields that the mapping uses; each is a text.
    """

    fields: list[str] = Field(min_length=1)
    servers: str | None = None
    topic: str | None = None

    @field_validator("fields")
    @classmethod
    def _are_named_once(cls, fields: list[str]) -> list[str]:
        if twice := sorted({f for f in fields if fields.count(f) > 1}):
            raise ValueError(f"must name each field once; named twice: {twice}")
        if bad := [f for f in fields if f.startswith("_") or not f.strip()]:
            raise ValueError(f"must not be empty or start with _: {bad}")
        return fields


class EngagementLevel(Section):
    """A level of gold.engagement_live: scores above the bound. The last one has no bound."""

    level: str
    above: float | None = None


class FallRule(TriggerRule):
    """A fall of the level of engagement to one of `to` queues one contact per period.

    Without an offer: which offers a customer may get is decided by the batch.
    """

    action: Literal["survey", "support"]
    offer_id: None = None

    @field_validator("when")
    @classmethod
    def _can_be_read(cls, condition: str | None) -> str | None:
        return checked_condition(condition, KNOWN_OF_A_FALL)


class StreamSettings(Section):
    checkpoints: str | None
    interval_seconds: float = Field(ge=0)
    watermark_minutes: int = Field(ge=0)
    events_a_batch: int = Field(ge=1)
    files_a_batch: int = Field(ge=1)
    compact_batches: int = Field(ge=1)
    restarts: int = Field(ge=0)
    restart_seconds: float = Field(gt=0)
    levels: list[EngagementLevel] = Field(min_length=2)
    rules: list[FallRule]

    @field_validator("levels")
    @classmethod
    def _fall(cls, levels: list[EngagementLevel]) -> list[EngagementLevel]:
        bounds = [band.above for band in levels]
        numbers = [b for b in bounds if b is not None]
        if bounds[-1] is not None or len(numbers) != len(levels) - 1:
            raise ValueError("each level but the last must have `above`, the last must not")
        if numbers != sorted(set(numbers), reverse=True):
            raise ValueError(f"must be listed from the highest to the lowest, got {numbers}")
        if len({band.level for band in levels}) < len(levels):
            raise ValueError("must have different names")
        return levels

    @model_validator(mode="after")
    def _rules_name_levels(self) -> StreamSettings:
        names = [band.level for band in self.levels]
        for rule in self.rules:
            if unknown := sorted(set(rule.to) - set(names)):
                raise ValueError(
                    f"rules, {rule.name}: to has unknown levels {unknown}; "
                    f"levels are {', '.join(names)}"
                )
        return self
