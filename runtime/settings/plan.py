"""Settings of the retention plan."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from runtime.errors import UsageError
from runtime.settings.core import Section
from runtime.suggestions import did_you_mean

Strategy = Literal["churn_probability", "p_alive", "clv_at_risk", "net_value", "random"]


class PlanSettings(Section):
    strategies: list[Strategy] = Field(min_length=1)
    default_strategy: Strategy

    @model_validator(mode="after")
    def _has_the_default(self) -> PlanSettings:
        if self.default_strategy not in self.strategies:
            raise ValueError(
                f"default_strategy {self.default_strategy} must be one of strategies: "
                f"{', '.join(self.strategies)}"
            )
        return self

    def chosen(self, strategy: str) -> list[str]:
        """The strategy of the command line, or all of conf. UsageError if conf has no such one."""
        known: list[str] = list(self.strategies)
        if strategy == "all":
            return known
        if strategy not in known:
            raise UsageError(
                f"--strategy {strategy}: must be all or one of {', '.join(known)}."
                f"{did_you_mean(strategy, ['all', *known])}"
            )
        return [strategy]
