"""Settings of an environment: defaults.yaml, then <env>.yaml, then HOLDFAST__... variables.

An unknown key is an error: a typing error must not silently leave the default.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import PrivateAttr, StringConstraints, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from runtime.errors import UsageError
from runtime.files import Location
from runtime.settings.app import AppSettings
from runtime.settings.churn import ChurnSettings, LifecycleSettings
from runtime.settings.conf_folder import NAME, RESERVED, conf_dir, environments, package_conf
from runtime.settings.contact import ContactSettings
from runtime.settings.decisions import DecisionSettings
from runtime.settings.faults import explain, not_yaml
from runtime.settings.features import FeatureSettings
from runtime.settings.fetch import FetchLimits
from runtime.settings.fraud import FraudSettings
from runtime.settings.lakehouse import (
    LakehouseSettings,
    MaintenanceSettings,
    MlflowSettings,
    mixed_stores,
)
from runtime.settings.lifetime import LifetimeSettings
from runtime.settings.measurement import MeasurementSettings
from runtime.settings.messages import MessageSettings
from runtime.settings.model_gate import ModelGateSettings
from runtime.settings.monitoring import MonitoringSettings
from runtime.settings.personal_data import PersonalDataSettings
from runtime.settings.plan import PlanSettings
from runtime.settings.report import DEFAULT_OWNER, ReportSettings
from runtime.settings.segments import RfmSettings, RiskSettings
from runtime.settings.service import ServiceSettings
from runtime.settings.simulation import SimulationSettings
from runtime.settings.size_classes import flat
from runtime.settings.sources import IngestSettings, SourceSettings
from runtime.settings.streams import StreamSettings
from runtime.settings.survey import SurveySettings
from runtime.settings.training import TrainingSettings
from runtime.settings.triggers import TriggerSettings
from runtime.settings.uplift import ModelAbSettings, UpliftSettings
from runtime.settings.yaml_size import check_yaml_size
from runtime.suggestions import did_you_mean


class Settings(BaseSettings):
    """All settings of one environment."""

    model_config = SettingsConfigDict(
        env_prefix="HOLDFAST__", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    env: str
    lakehouse: LakehouseSettings
    maintenance: MaintenanceSettings
    mlflow: MlflowSettings
    spark_profile: str
    as_of: dt.date | None
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] | None
    sources: dict[str, SourceSettings]
    simulation: SimulationSettings | None
    ingest: IngestSettings
    fetch: FetchLimits
    features: FeatureSettings
    lifecycle: LifecycleSettings
    churn: ChurnSettings
    engagement: dict[str, Any]
    high_risk_churn: dict[str, float]
    clv_score: dict[str, Any]
    rfm: RfmSettings
    segments: dict[str, Any]
    risk: RiskSettings
    actions: list[dict[str, Any]]
    training: TrainingSettings
    model_gate: ModelGateSettings
    lifetime: LifetimeSettings
    plan: PlanSettings
    decisions: DecisionSettings
    contact: ContactSettings
    measurement: MeasurementSettings
    monitoring: MonitoringSettings
    report: ReportSettings
    messages: MessageSettings
    uplift: UpliftSettings
    model_ab: ModelAbSettings
    triggers: TriggerSettings
    stream: StreamSettings
    survey: SurveySettings
    fraud: FraudSettings
    personal_data: PersonalDataSettings
    service: ServiceSettings
    app: AppSettings

    _given: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def given(self) -> frozenset[str]:
        """Dotted names of the settings that a file of the user, a variable or an option gives."""
        return self._given

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        files = YamlConfigSettingsSource(
            settings_cls, yaml_file=_files.get("files", []), deep_merge=True
        )
        variables = () if "without variables" in _files else (env_settings,)
        return (init_settings, *variables, files)

    @model_validator(mode="after")
    def _owners_have_groups(self) -> Settings:
        groups = [*self.segments["groups"], DEFAULT_OWNER]
        if unknown := sorted(set(self.report.owners) - set(groups)):
            raise ValueError(
                f"report.owners has {', '.join(unknown)}; it may name the groups of segments "
                f"{', '.join(groups)}"
            )
        return self

    @property
    def root(self) -> Location:
        """Where the Delta layers (without a catalog), the report the outbox and the leases are."""
        name = "lakehouse" if self.env == "demo" else f"lakehouse-{self.env}"
        root = Location.of(self.lakehouse.root or name)
        return root if root.is_remote else Location.of(os.path.realpath(root))

    @property
    def spark_profiles(self) -> list[str]:
        """The parts of spark_profile: local+s3a is the profile local, then the profile s3a."""
        return self.spark_profile.split("+")

    def spark_profile_values(self) -> dict[str, str]:
        """The options of all parts of spark_profile; a later part wins."""
        return {k: v for name in self.spark_profiles for k, v in self._profile(name).items()}

    def _profile(self, profile: str) -> dict[str, str]:
        name = f"spark/{profile}.yaml"
        folders = (conf_dir(), package_conf()) if NAME.fullmatch(profile) else ()
        path = next((d / name for d in folders if (d / name).is_file()), None)
        if path is None:
            known = sorted(p.stem for p in (package_conf() / "spark").glob("*.yaml"))
            raise UsageError(
                f"spark_profile: {profile!r} must name a file in conf/spark/; "
                f"there are {', '.join(known)}.{did_you_mean(profile, known)}"
            )
        try:
            check_yaml_size(path)
            return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except yaml.YAMLError as error:
            raise UsageError(not_yaml(f"{conf_dir().name}/{name}", error)) from None
        except (ValueError, RecursionError) as error:
            raise UsageError(
                f"{conf_dir().name}/{name}: cannot be read: {error}. Make it smaller."
            ) from None


# pydantic-settings reads its files in a class method; `load` passes them through this variable.
# The threads of the app take turns.
_files: dict[str, list[Path]] = {}
_LOCK = threading.Lock()


def load(env: str, **overrides: Any) -> Settings:
    """The settings of conf/<env>.yaml over the defaults. UsageError lists every error."""
    return _load(env, None, overrides)


def load_from(folder: Path, env: str, **overrides: Any) -> Settings:
    """The same from another folder with YAML files, whatever the variables say."""
    return _load(env, folder, overrides)


def _load(env: str, folder: Path | None, overrides: dict[str, Any]) -> Settings:
    path = (folder or conf_dir()) / f"{env if NAME.fullmatch(env) else ''}.yaml"
    if not path.is_file() or env in RESERVED:
        known = environments()
        raise UsageError(
            f"--env {env[:80]}: must be the name of a file in {path.parent.name}/; there are "
            f"{', '.join(known)}.{did_you_mean(env, known)}"
        )
    with _LOCK:
        _files.update({} if folder is None else {"without variables": []})
        settings = _read(env, path, overrides)
    settings.spark_profile_values()
    fault = mixed_stores(settings.mlflow, settings.lakehouse)
    if fault is not None:
        raise UsageError(f"{_named(path)}: {fault}")
    return settings


def _read(env: str, path: Path, overrides: dict[str, Any]) -> Settings:
    own_defaults = path.with_name("defaults.yaml")
    _files["files"] = [package_conf() / "defaults.yaml", own_defaults, path]
    file, own = path, dict[Path, Any]()
    try:
        for file in filter(Path.is_file, (own_defaults, path)):
            check_yaml_size(file)
            own[file] = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
            if not isinstance(own[file], dict):
                raise ValueError("it must hold lines of the form key: value")
        settings = Settings(env=env, **overrides)
        variables = {} if "without variables" in _files else EnvSettingsSource(Settings)()
        changed = _changed_defaults(own_defaults, own.get(own_defaults, {}))
        settings._given = frozenset(flat(own[path]) | flat(variables) | flat(overrides) | changed)
        return settings
    except yaml.YAMLError as error:
        raise UsageError(not_yaml(_named(file), error)) from None
    except ValidationError as error:
        raise UsageError(explain(error, _named(path), Settings)) from None
    except (ValueError, RecursionError) as error:  # an invalid date, a variable that is not JSON
        raise UsageError(
            f"{_named(file)}, or a variable HOLDFAST__...: cannot be read: {error}. Fix it."
        ) from None
    finally:
        _files.clear()


def _changed_defaults(path: Path, values: dict[str, Any]) -> dict[str, Any]:
    """The settings of a defaults.yaml of the user that differ from the package's."""
    package = package_conf() / "defaults.yaml"
    if not values or path == package:
        return {}
    known = flat(yaml.safe_load(package.read_text(encoding="utf-8")))
    return {k: v for k, v in flat(values).items() if k not in known or known[k] != v}


def _named(path: Path) -> str:
    """The file with its folder, as messages name it."""
    return f"{path.parent.name}/{path.name}"
