"""The sections of an environment's settings, each with what its values must satisfy."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LakehouseSettings(Section):
    root: str | None
    catalog: str | None


class MlflowSettings(Section):
    tracking_uri: str | None
    registry_uri: str | None
    experiment: str
    model_name: str


class LookupSettings(Section):
    """A small file joined to a source before its columns are mapped (a left join on `join_on`)."""

    format: Literal["csv", "json", "parquet", "delta"]
    path: str
    join_on: list[str]
    options: dict[str, str] = {}


class SourceSettings(Section):
    """One source: where it is and which SQL expression gives each canonical column."""

    table: str
    format: Literal["csv", "json", "parquet", "delta", "jdbc"]
    path: str | None = None
    options: dict[str, str] = {}
    key: list[str] = []
    mapping: dict[str, str]
    lookups: dict[str, LookupSettings] = {}
    first_load_known: Literal["event_time", "arrival"] | None = None
    # Rules of the table (contracts/silver.py) by name, where this source needs another severity.
    severity: dict[str, Literal["reject", "warn", "off"]] = {}

    @field_validator("mapping", mode="before")
    @classmethod
    def _texts(cls, mapping: dict[str, Any]) -> dict[str, str]:
        return {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in mapping.items()}

    @field_validator("severity", mode="before")
    @classmethod
    def _off_is_no_boolean(cls, severity: dict[str, Any]) -> dict[str, Any]:
        return {rule: "off" if value is False else value for rule, value in severity.items()}

    @model_validator(mode="after")
    def _has_a_place(self) -> SourceSettings:
        if self.format != "jdbc" and not self.path:
            raise ValueError(f"a source of format {self.format} needs a path")
        return self


class IngestSettings(Section):
    first_load_known: Literal["event_time", "arrival"]
    max_quarantined_share: float = Field(ge=0, le=1)
    max_files_a_run: int = Field(ge=1)


class FeatureSettings(Section):
    windows_days: list[int] = Field(min_length=1)

    @field_validator("windows_days")
    @classmethod
    def _has_what_others_use(cls, windows: list[int]) -> list[int]:
        missing = sorted({30, 60, 90, 365} - set(windows))
        if missing or min(windows) < 1:
            raise ValueError(
                f"windows of {missing} days are missing or one is below 1; "
                "formulas use 30, 60, 90, 365"
            )
        return sorted(set(windows))


class LifecycleSettings(Section):
    active_days: int = Field(ge=1)
    silent_days: int = Field(ge=1)


class ChurnSettings(Section):
    definition: Literal["inactivity", "termination"]
    horizons_days: list[int] = Field(min_length=1)
    primary_horizon_days: int = Field(ge=1)
    lead_days: int = Field(ge=0)
    label_wait_days: int = Field(ge=0)

    @property
    def wait(self) -> dt.timedelta:
        """From an as_of to the end of its primary horizon."""
        return dt.timedelta(days=self.lead_days + self.primary_horizon_days)

    @model_validator(mode="after")
    def _primary_is_a_horizon(self) -> ChurnSettings:
        if self.primary_horizon_days not in self.horizons_days:
            raise ValueError(
                f"primary_horizon_days {self.primary_horizon_days} must be one of "
                f"{self.horizons_days}"
            )
        return self


class RfmSettings(Section):
    window_days: int = Field(ge=1)
    priority_weights: dict[str, float]


class RiskSettings(Section):
    scheme: str
    schemes: dict[str, list[dict[str, Any]]]

    @model_validator(mode="after")
    def _scheme_exists(self) -> RiskSettings:
        if self.scheme not in self.schemes:
            raise ValueError(f"scheme {self.scheme!r} must be one of {sorted(self.schemes)}")
        return self
