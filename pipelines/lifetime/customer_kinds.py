"""Which customers can be kept, which are lost, and the horizons of their outcomes, by conf."""

from __future__ import annotations

import pandas as pd

from models.btyd.past_errors import MONTH
from models.return_rate import silent_days
from runtime.settings import Settings


def lost_from(settings: Settings) -> int:
    """Days of silence from which a customer counts as lost, if inactivity counts."""
    return settings.lifetime.survival.window_days or settings.lifecycle.silent_days + 1


def horizons_ahead(settings: Settings) -> list[int]:
    """All horizons in days whose outcomes are needed, beside those of the backtest."""
    lifetime = settings.lifetime
    return sorted(
        {MONTH, *lifetime.interval_horizons_days, *lifetime.backtest.coverage_horizons_days}
    )


def could_be_kept(settings: Settings, rows: pd.DataFrame) -> pd.Series[bool]:
    """True for the customers of gold.customer_scores: active or silent, the contract not ended."""
    return (silent_days(rows) <= settings.lifecycle.silent_days) & ~rows["is_terminated"]
