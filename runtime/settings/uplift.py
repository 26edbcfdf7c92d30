"""Settings of uplift models and of the A/B test of churn models."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runtime.settings.core import Section


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
