"""Settings of the rule by which a challenger becomes champion."""

from __future__ import annotations

from pydantic import Field

from runtime.settings.core import Section


class ModelGateSettings(Section):
    brier_rise: float = Field(ge=0, le=1)
    log_loss_rise: float = Field(ge=0)
    fewest_in_segment: int = Field(ge=20)
    inference_ms: float = Field(gt=0)
