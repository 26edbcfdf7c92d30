"""The costs and values of a retention campaign, from conf."""

from __future__ import annotations

from models.profit import CampaignEconomics
from runtime.settings.training import TrainingSettings


def campaign_economics(training: TrainingSettings) -> CampaignEconomics:
    """Section training.economics of conf, as the profit rule takes it."""
    return CampaignEconomics(**training.economics.model_dump())
