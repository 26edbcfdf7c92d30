"""Settings of triggers: the rules that queue a contact."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from runtime.settings.core import Section, checked_condition
from runtime.settings.delivery import DeliverySettings

# Columns that the condition of a rule may use.
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


class TriggerRule(Section):
    """A rise of the risk level to one of `to` queues one contact per period and customer."""

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
                "offer_id must name an offer, because its text is sent; it is optional only for "
                "the actions support and survey by file or webhook"
            )
        return self


class TriggerSettings(Section):
    cooling_off_days: int = Field(ge=0)
    rules: list[TriggerRule]
    delivery: DeliverySettings

    @field_validator("rules")
    @classmethod
    def _differ_in_name(cls, rules: list[TriggerRule]) -> list[TriggerRule]:
        names = [r.name for r in rules]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"rule names must be unique; used twice: {twice}")
        return rules
