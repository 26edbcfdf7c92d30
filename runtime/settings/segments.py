"""Settings of RFM scores and risk levels."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from runtime.settings.core import Section


class RfmSettings(Section):
    window_days: int = Field(ge=1)
    priority_weights: dict[str, float]


class RiskSettings(Section):
    scheme: str
    schemes: dict[str, list[dict[str, Any]]]

    @model_validator(mode="after")
    def _scheme_exists(self) -> RiskSettings:
        if self.scheme not in self.schemes:
            raise ValueError(f"scheme {self.scheme!r} must be one of {sorted(self.schemes)}")
        return self
