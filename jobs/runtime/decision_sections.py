"""Sections of the settings for decisions: the simulated company, messages, offers, campaigns."""

from __future__ import annotations

from pydantic import Field

from jobs.runtime.sections import Section


class SimulationSettings(Section):
    """A simulated company in place of real sources; the same seed and size give the same tables."""

    customers: int = Field(ge=1)
    seed: int = Field(ge=0)
