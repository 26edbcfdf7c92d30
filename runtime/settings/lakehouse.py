"""Settings of the lakehouse and of MLflow."""

from __future__ import annotations

from runtime.settings.core import Section


class LakehouseSettings(Section):
    root: str | None
    catalog: str | None


class MlflowSettings(Section):
    tracking_uri: str | None
    registry_uri: str | None
    experiment: str
    model_name: str
