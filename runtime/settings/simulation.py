"""Settings of the simulated company."""

from __future__ import annotations

from pydantic import Field

from runtime.settings.core import Section


class SimulationSettings(Section):
    """A simulated company instead of real sources. The same seed and size give the same tables."""

    customers: int = Field(ge=1)
    seed: int = Field(ge=0)
