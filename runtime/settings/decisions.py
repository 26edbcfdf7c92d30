"""Sections of the settings for decisions: the simulated company, offers, messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from runtime.settings.core import Section

# What an offer's condition may name.
ELIGIBLE_BY = (
    "churn_probability",
    "recency_days",
    "tenure_days",
    "total_orders",
    "total_revenue",
    "engagement_score",
    "lifecycle",
    "segment",
)
_WORDS = {"and", "or", "not", "in", "is", "null"}


def checked_condition(condition: str | None, names: Sequence[str]) -> str | None:
    """A condition of conf over columns of these names; ValueError where it holds anything else."""
    bare = re.sub(r"'[^']*'", " ", condition or "")
    unknown = sorted(set(re.findall(r"[A-Za-z_]\w*", bare.lower())) - {*names, *_WORDS})
    if unknown or re.search(r"[^\w\s.,<>=()]", bare):
        raise ValueError(
            f"must compare {', '.join(names)} with numbers or 'texts', joined by and, "
            f"or, not, parentheses; unknown are {unknown}"
        )
    return condition


class SimulationSettings(Section):
    """A simulated company in place of real sources; the same seed and size give the same tables."""

    customers: int = Field(ge=1)
    seed: int = Field(ge=0)


# ---------------------------------------------------------------------- offers.yaml


class OfferCost(Section):
    """A share of value_at_stake, or money; paid when it is redeemed, or whenever it is sent."""

    share: float | None = Field(default=None, ge=0, le=1)
    money: float | None = Field(default=None, ge=0)
    paid: Literal["redeemed", "sent"]

    @model_validator(mode="after")
    def _is_one_of_both(self) -> OfferCost:
        if (self.share is None) == (self.money is None):
            raise ValueError("must have either share or money, and not both")
        return self


class OfferText(Section):
    terms: str = Field(min_length=5, max_length=80)
    sentence: str = Field(min_length=5, max_length=140)


class OfferSettings(Section):
    """One offer that may be made."""

    audience: str
    cost: OfferCost
    channel: Literal["email", "phone", "app", "letter"]
    valid_days: int = Field(ge=1)
    again_after_days: int = Field(ge=0)
    # Before the cap, which is checked by it.
    in_budget: bool
    most_customers: int | None = Field(ge=1)
    eligible: str | None
    theme: Literal["new features", "support", "savings"]
    texts: dict[Literal["en", "de", "fr", "es"], OfferText]

    @field_validator("texts")
    @classmethod
    def _has_english(cls, texts: dict) -> dict:
        if "en" not in texts:
            raise ValueError("must have en, which serves every other language")
        return texts

    @field_validator("most_customers")
    @classmethod
    def _is_in_the_budget(cls, cap: int | None, info: ValidationInfo) -> int | None:
        if cap is not None and info.data.get("in_budget") is False:
            raise ValueError(
                "must be null for an offer outside the budget, which goes to everyone eligible; "
                "narrow eligible, or set in_budget: true"
            )
        return cap

    @field_validator("eligible")
    @classmethod
    def _can_be_read(cls, condition: str | None) -> str | None:
        return checked_condition(condition, ELIGIBLE_BY)


class OfferFile(Section):
    offers: dict[str, OfferSettings] = Field(min_length=1)

    @field_validator("offers")
    @classmethod
    def _are_named_plainly(cls, offers: dict[str, OfferSettings]) -> dict[str, OfferSettings]:
        bad = [name for name in offers if not re.fullmatch(r"[a-z][a-z0-9_]*", name)]
        if bad:
            raise ValueError(f"an offer is named in lower snake_case, got {bad}")
        return offers


# ---------------------------------------------------------------------- decisions, messages


class BudgetSettings(Section):
    """A share of the customers who can still be kept, or money: of a plan, or of so many days."""

    customers_share: float | None = Field(gt=0, le=1)
    money: float | None = Field(gt=0)
    period_days: int | None = Field(ge=1)

    @model_validator(mode="after")
    def _is_one_of_both(self) -> BudgetSettings:
        if (self.customers_share is None) == (self.money is None):
            raise ValueError("must have either customers_share or money, and null for the other")
        return self


class FactorSettings(Section):
    """Which features count as which factor in the rules of offers."""

    recency: list[str]
    order_value: list[str]
    support_tickets: list[str]
    feature_usage: list[str]


class DecisionSettings(Section):
    budget: BudgetSettings
    assumed_effect: float = Field(ge=0, le=1)
    redemption_rate: float = Field(ge=0, le=1)
    hold_out_share: float = Field(ge=0, lt=1)
    cooling_off_days: int = Field(ge=0)
    send_days_before: list[int] = Field(min_length=2, max_length=2)
    high_risk_from: float = Field(ge=0, le=1)
    many_orders: int = Field(ge=0)
    factors: FactorSettings

    @field_validator("send_days_before")
    @classmethod
    def _ends_before_it_begins(cls, days: list[int]) -> list[int]:
        if not 0 < days[0] <= days[1]:
            raise ValueError(f"must be [fewest, most] days with 0 < fewest <= most, got {days}")
        return days


class UpliftSettings(Section):
    learners: list[
        Literal["s_learner", "t_learner", "x_learner", "dr_learner", "shift_learner"]
    ] = Field(min_length=1)
    fewest_rows: int = Field(ge=20)
    bootstrap_samples: int = Field(ge=50)
    most_rows_on_driver: int = Field(ge=100)
    least_propensity: float = Field(gt=0, lt=0.5)
    least_overlap: float = Field(gt=0, le=1)


class ModelAbSettings(Section):
    challenger_share: float = Field(ge=0, le=0.5)


class PriceSettings(Section):
    """US dollars a million tokens."""

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
        """What messages.limits.Limits holds: all but whom a job asks, stores by, and sends by."""
        return self.model_dump(exclude={"base_url", "rows_a_commit", "send_by"})
