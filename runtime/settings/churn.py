"""Settings of lifecycle and churn labels."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field, model_validator

from runtime.settings.core import Section


class LifecycleSettings(Section):
    active_days: int = Field(ge=1)
    silent_days: int = Field(ge=1)


class ChurnSettings(Section):
    definition: Literal["inactivity", "termination"]
    horizons_days: list[int] = Field(min_length=1)
    primary_horizon_days: int = Field(ge=1)
    lead_days: int = Field(ge=0)
    label_wait_days: int = Field(ge=0)

    @property
    def wait(self) -> dt.timedelta:
        """From an as_of to the end of its primary horizon."""
        return dt.timedelta(days=self.lead_days + self.primary_horizon_days)

    @model_validator(mode="after")
    def _primary_is_a_horizon(self) -> ChurnSettings:
        if self.primary_horizon_days not in self.horizons_days:
            raise ValueError(
                f"primary_horizon_days {self.primary_horizon_days} must be one of "
                f"{self.horizons_days}"
            )
        return self
