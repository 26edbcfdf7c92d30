"""Settings of the lakehouse and of MLflow, and which MLflow stores follow from them."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from runtime.file_systems import SCHEMES, scheme_of
from runtime.settings.core import Section
from runtime.suggestions import did_you_mean

DATABRICKS = "databricks"
# Stores that outlive a cluster.
REMOTE = (DATABRICKS, "http:", "https:")


class LakehouseSettings(Section):
    root: str | None
    catalog: str | None
    # Before the name of each schema of the catalog, so that two environments can share a catalog.
    schema_prefix: str
    # Other runs take a lease over that showed no heartbeat for so many seconds.
    lease_seconds: float = Field(ge=1)
    lease_wait_seconds: float

    @field_validator("root")
    @classmethod
    def _has_a_file_system(cls, root: str | None) -> str | None:
        scheme = scheme_of(root or "")
        if root is None or scheme is None:
            return root
        if scheme not in SCHEMES:
            nearest = did_you_mean(scheme, SCHEMES)
            raise ValueError(
                f"must be a folder, or a URI of the schemes {', '.join(SCHEMES)}. Fix the scheme, "
                f"or name a folder{nearest and '.' + nearest}"
            )
        parts = urlsplit(root)
        if not parts.netloc or parts.password is not None:
            raise ValueError(
                f"must name a bucket, container or host and no password, such as "
                f"{scheme}://bucket/lakehouse"
            )
        return root

    @model_validator(mode="after")
    def _prefix_has_a_catalog(self) -> LakehouseSettings:
        if not re.fullmatch(r"([a-z][a-z0-9_]*)?", self.schema_prefix):
            raise ValueError(
                f"schema_prefix {self.schema_prefix!r} must be lower snake_case, such as dev_"
            )
        if self.schema_prefix and not self.catalog:
            raise ValueError(
                f"schema_prefix {self.schema_prefix!r} needs a catalog; a lakehouse in a folder "
                "has no schemas. Set lakehouse.catalog, or remove the prefix"
            )
        return self

    @model_validator(mode="after")
    def _waits_for_expiry(self) -> LakehouseSettings:
        if self.lease_wait_seconds <= self.lease_seconds:
            raise ValueError(
                f"lease_wait_seconds {self.lease_wait_seconds:g} must be more than lease_seconds "
                f"{self.lease_seconds:g}: only a run that waits for longer can notice that another "
                "one has died"
            )
        return self

    def address(self, name: str) -> str | None:
        """A table or model <layer>.<name> in the catalog. None: there is no catalog."""
        return f"{self.catalog}.{self.schema_prefix}{name}" if self.catalog else None


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


def registry_uri(mlflow: MlflowSettings) -> str | None:
    """MLflow's registry: conf, else MLFLOW_REGISTRY_URI. None: the one of the tracking store."""
    return mlflow.registry_uri or os.environ.get("MLFLOW_REGISTRY_URI")


def tracking_uri(mlflow: MlflowSettings, lakehouse: LakehouseSettings) -> str | None:
    """MLflow's tracking store. None: the SQLite file in the lakehouse folder.

    In this order: conf, the variable MLFLOW_TRACKING_URI, the store of the registry (runs and
    versions must be found together), Databricks if tables are in a catalog.
    """
    given = mlflow.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
    registry = registry_uri(mlflow)
    if given or (registry and not registry.startswith(DATABRICKS)):
        return given or registry
    return DATABRICKS if registry or lakehouse.catalog else None


def registered_name(name: str, mlflow: MlflowSettings, lakehouse: LakehouseSettings) -> str:
    """A model's name in the registry. In Unity Catalog: <catalog>.<schema of gold>.<name>."""
    registry = registry_uri(mlflow) or tracking_uri(mlflow, lakehouse) or ""
    address = lakehouse.address(f"gold.{name}")
    is_unity = registry.startswith(DATABRICKS) and address is not None and "." not in name
    return address if is_unity and address else name


def mixed_stores(mlflow: MlflowSettings, lakehouse: LakehouseSettings) -> str | None:
    """Why the stores of tables, runs and registered models do not fit together. None: they do."""
    registry, tracking = registry_uri(mlflow) or "", tracking_uri(mlflow, lakehouse) or ""
    if not tracking and scheme_of(lakehouse.root or ""):
        return (
            f"mlflow.tracking_uri = None: must be set, because {lakehouse.root} is no folder that "
            "can hold MLflow's SQLite file. Set it to an MLflow server, such as "
            "http://mlflow:5000, or to a file, such as sqlite:////data/mlflow.db."
        )
    if registry.startswith(DATABRICKS) and not tracking.startswith(REMOTE):
        origin = "mlflow.tracking_uri" if mlflow.tracking_uri else "MLFLOW_TRACKING_URI"
        return (
            f"the registry {registry} needs the runs of its models on Databricks too, but "
            f"{origin} names the local store {tracking}, which is lost with the cluster. Remove "
            f"{origin}, or set it to {DATABRICKS}."
        )
    if tracking.startswith(DATABRICKS) and registry and not registry.startswith(REMOTE):
        origin = "mlflow.registry_uri" if mlflow.registry_uri else "MLFLOW_REGISTRY_URI"
        return (
            f"runs are tracked on {tracking}, but {origin} names the local registry {registry}, "
            "which is lost with the cluster, so that every new cluster starts without a champion. "
            f"Remove {origin}, or set it to {DATABRICKS}-uc."
        )
    return None
