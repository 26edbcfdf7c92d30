"""Settings of RFM scores and risk levels."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from runtime.settings.core import Section


class RfmSettings(Section):
    window_days: int = Field(ge=1)
    priority_weights: dict[str, float]
    segment_margin_percent: int = Field(ge=0, lt=20)


class LevelAction(Section):
    """The recommended action of a risk level, where no rule of `actions` applies."""

    level: str
    action: str


class RiskSettings(Section):
    scheme: str
    schemes: dict[str, list[dict[str, Any]]]
    level_actions: list[LevelAction]
    call_above: float = Field(ge=0)

    @model_validator(mode="after")
    def _scheme_exists(self) -> RiskSettings:
        if self.scheme not in self.schemes:
            raise ValueError(f"scheme {self.scheme!r} must be one of {sorted(self.schemes)}")
        levels = [band.get("level") for bands in self.schemes.values() for band in bands]
        if unknown := sorted({row.level for row in self.level_actions} - set(levels)):
            raise ValueError(
                f"level_actions has unknown levels {unknown}; schemes has "
                f"{', '.join(dict.fromkeys(map(str, levels)))}"
            )
        return self
