"""Settings of the retention plan."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from runtime.settings.core import Section

Strategy = Literal["churn_probability", "p_alive", "clv_at_risk", "net_value", "random"]


class PlanOfferSettings(Section):
    """The offer that a plan assumes. Its cost is money, or a share of value_at_stake."""

    offer_id: str
    assumed_effect: float = Field(ge=0, le=1)
    redeemed_share: float = Field(ge=0, le=1)
    cost_share: float | None = Field(ge=0)
    cost_money: float | None = Field(ge=0)

    @model_validator(mode="after")
    def _has_one_cost(self) -> PlanOfferSettings:
        if (self.cost_share is None) == (self.cost_money is None):
            raise ValueError("one of cost_share and cost_money must be set, the other null")
        return self


class PlanSettings(Section):
    strategies: list[Strategy] = Field(min_length=1)
    default_strategy: Strategy
    budget_share: float = Field(gt=0, le=1)
    send_days_before: int = Field(ge=0)
    offer: PlanOfferSettings

    @model_validator(mode="after")
    def _has_the_default(self) -> PlanSettings:
        if self.default_strategy not in self.strategies:
            raise ValueError(
                f"default_strategy {self.default_strategy} must be one of strategies: "
                f"{', '.join(self.strategies)}"
            )
        return self
