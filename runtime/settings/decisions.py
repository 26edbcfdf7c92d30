"""Settings of offer decisions: budget, control group, timing, rules."""

from __future__ import annotations

import math

from pydantic import Field, model_validator

from runtime.errors import UsageError
from runtime.settings.core import Section


class BudgetSettings(Section):
    """A share of the active and silent customers, or money; per plan, or per `rolling_days`."""

    customers_share: float | None = Field(gt=0, le=1)
    money: float | None = Field(gt=0)
    rolling_days: int | None = Field(ge=1)

    @model_validator(mode="after")
    def _is_one_of_both(self) -> BudgetSettings:
        if (self.customers_share is None) == (self.money is None):
            raise ValueError("must have either customers_share or money, and null for the other")
        return self

    def chosen(self, share: float | None, money: float | None) -> BudgetSettings:
        """The budget of the command line, a share of the customers or money; else that of conf."""
        if share is not None and money is not None:
            raise UsageError(
                f"--budget-share {share} and --budget-money {money}: give one of them, not both."
            )
        if money is not None and not 0 < money < math.inf:
            raise UsageError(
                f"--budget-money {money}: must be above 0 and finite, in the data's currency."
            )
        if share is not None and not 0 < share <= 1:
            raise UsageError(
                f"--budget-share {share}: must be above 0 and at most 1, such as 0.2 for a fifth."
            )
        if share is None and money is None:
            return self
        return self.model_copy(update={"customers_share": share, "money": money})


class FactorSettings(Section):
    """The features that belong to each factor in the rules of offers."""

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
    period_days: int = Field(ge=1)
    send_days_before: int = Field(ge=1)
    sent_before_outcome_days: int = Field(ge=0)
    high_risk_from: float = Field(ge=0, le=1)
    many_orders: int = Field(ge=0)
    factors: FactorSettings
