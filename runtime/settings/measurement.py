"""Settings of the measurement of campaigns."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from pydantic import Field, field_validator

from runtime.settings.core import Section


class CampaignSettings(Section):
    """What the company planned for a campaign that it ran itself."""

    intended_share: float = Field(gt=0, lt=1)


class MeasurementSettings(Section):
    mismatch_p_value: float = Field(gt=0, lt=0.5)
    campaigns: dict[str, CampaignSettings]

    @field_validator("campaigns", mode="before")
    @classmethod
    def _ids_are_texts(cls, campaigns: dict[Any, Any]) -> dict[str, Any]:
        return {str(name): values for name, values in campaigns.items()}

    def intended_shares(self, campaigns: Iterable[str]) -> dict[str, float]:
        """The intended share of customers with an offer, of each campaign that a pattern matches.

        The first matching pattern is used.
        """
        stated = [(p, values.intended_share) for p, values in self.campaigns.items()]
        first = {c: next((s for p, s in stated if fnmatchcase(c, p)), None) for c in campaigns}
        return {campaign: share for campaign, share in first.items() if share is not None}
