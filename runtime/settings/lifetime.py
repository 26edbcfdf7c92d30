"""Settings of lifetime models."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from runtime.settings.core import Section

Btyd = Literal["bg_nbd", "mbg_nbd", "pareto_nbd"]


Survival = Literal["cox", "weibull_aft", "discrete_hazard"]


class BacktestSettings(Section):
    cuts: int = Field(ge=0)
    step_days: int = Field(ge=1)
    horizons_days: list[int] = Field(min_length=1)
    coverage_horizons_days: list[int]
    min_history_days: int = Field(ge=1)

    @field_validator("horizons_days", "coverage_horizons_days")
    @classmethod
    def _are_days(cls, horizons: list[int]) -> list[int]:
        if any(horizon < 1 for horizon in horizons):
            raise ValueError("a horizon must be at least 1 day")
        return sorted(set(horizons))


class TreeSettings(Section):
    """Boosted trees of the discrete hazard model."""

    period_days: int = Field(ge=1)
    periods: int = Field(ge=1)
    parameters: dict[str, float | int]


class SurvivalSettings(Section):
    models: list[Survival]
    registered_model: str
    window_days: int | None = Field(ge=2)
    landmarks: int = Field(ge=2)
    covariates: list[str] = Field(min_length=1)
    level: float = Field(gt=0, lt=1)
    least_p_value: float = Field(ge=0, le=1)
    fewest_events: int = Field(ge=2)
    most_rows_on_driver: int = Field(ge=1)
    trees: TreeSettings


class NewCustomerSettings(Section):
    """Customers who are known for a short time."""

    tenure_days: list[int] = Field(min_length=1)
    unseen_days: int = Field(ge=0)

    @field_validator("tenure_days")
    @classmethod
    def _ascend(cls, days: list[int]) -> list[int]:
        if min(days) < 1 or sorted(set(days)) != days:
            raise ValueError("must be days of at least 1, each above the one before")
        return days


class LifetimeSettings(Section):
    models: list[Btyd] = Field(min_length=1)
    registered_model: str
    holdout_share: float = Field(gt=0, lt=1)
    fewest_customers: int = Field(ge=10)
    most_rows_on_driver: int = Field(ge=1)
    least_likelihood_ratio: float = Field(ge=0)
    least_leaving_a_year: float = Field(ge=0, le=1)
    most_p_alive_error: float = Field(gt=0)
    most_value_correlation: float = Field(ge=0, le=1)
    margin: float = Field(gt=0)
    monthly_discount: float = Field(ge=0)
    interval: float = Field(gt=0, lt=1)
    interval_horizons_days: list[int] = Field(min_length=1)
    new_customers: NewCustomerSettings
    return_classes_days: list[int]
    backtest: BacktestSettings
    survival: SurvivalSettings
