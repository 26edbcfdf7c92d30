"""MLflow's tracking store and registry of this process."""

from __future__ import annotations

import os

import mlflow


def use_stores(tracking: str, registry: str | None) -> None:
    """Set MLflow's stores of this process, and leave its environment variables as they were.

    MLflow would copy both to MLFLOW_TRACKING_URI and MLFLOW_REGISTRY_URI, where the next lakehouse
    of this process would take them for the user's.
    """
    names = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
    before = {name: value for name, value in os.environ.items() if name in names}
    mlflow.set_tracking_uri(tracking)
    # None: the registry of the tracking store, and not the one of a lakehouse opened before.
    mlflow.set_registry_uri(registry)  # type: ignore[arg-type]
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    os.environ.pop("MLFLOW_REGISTRY_URI", None)
    os.environ.update(before)
