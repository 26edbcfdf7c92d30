"""Settings of the lakehouse and of MLflow."""

from __future__ import annotations

from pydantic import Field

from runtime.settings.core import Section


class LakehouseSettings(Section):
    root: str | None
    catalog: str | None


class MaintenanceSettings(Section):
    """keep_dates_days: None keeps all dates. dated_tables: patterns of table names."""

    keep_versions_days: int = Field(ge=7)
    keep_dates_days: int | None = Field(ge=1)
    dated_tables: list[str]


class MlflowSettings(Section):
    tracking_uri: str | None
    registry_uri: str | None
    experiment: str
    model_name: str
