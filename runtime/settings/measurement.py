"""Settings of the measurement of campaigns."""

from __future__ import annotations

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

    @property
    def intended_shares(self) -> dict[str, float]:
        """The intended share of customers with an offer, by campaign."""
        return {name: campaign.intended_share for name, campaign in self.campaigns.items()}
