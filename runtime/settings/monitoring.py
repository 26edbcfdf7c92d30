"""Settings of monitoring: thresholds, and the sinks of alerts."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from runtime.settings.addresses import private_url
from runtime.settings.core import Section


class AlertSettings(Section):
    """Where alerts go, besides the log and gold.alerts."""

    webhook_url: str | None
    email_to: str | None

    _url_is_private = field_validator("webhook_url")(private_url)

    @field_validator("email_to")
    @classmethod
    def _is_an_address(cls, address: str | None) -> str | None:
        if address is not None and not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", address):
            raise ValueError(f"must be an e-mail address, got {address!r}")
        return address


class MonitoringSettings(Section):
    false_alarm_rate: float = Field(gt=0, lt=0.5)
    wasserstein_above: float = Field(gt=0)
    psi_above: float = Field(gt=0)
    total_variation_above: float = Field(gt=0, lt=1)
    missing_share_above: float = Field(gt=0, lt=1)
    out_of_range_above: float = Field(ge=0, lt=1)
    new_category_above: float = Field(ge=0, lt=1)
    freshness_days: int = Field(ge=1)
    volume_window_days: int = Field(ge=1)
    volume_ratio_below: float = Field(gt=0, lt=1)
    relative_fall: float = Field(gt=0, lt=1)
    early_days: int = Field(ge=1)
    calibration_error: float = Field(ge=0)
    promise_share_kept: float = Field(ge=0, lt=1)
    alerts: AlertSettings

    def drift_thresholds(self) -> dict[str, float]:
        """The fields of models.drift.Thresholds."""
        return {
            "psi": self.psi_above,
            "wasserstein": self.wasserstein_above,
            "total_variation": self.total_variation_above,
            "missing_share": self.missing_share_above,
            "out_of_range_share": self.out_of_range_above,
            "new_category_share": self.new_category_above,
            "false_alarm_rate": self.false_alarm_rate,
        }
