"""Settings of an environment: defaults.yaml, then <env>.yaml, then HOLDFAST__... variables.

An unknown key is an error: a typing error must not silently leave the default.
"""

from __future__ import annotations

import atexit
import datetime as dt
import importlib.resources
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import StringConstraints, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from runtime.errors import UsageError
from runtime.settings.churn import ChurnSettings, LifecycleSettings
from runtime.settings.decisions import DecisionSettings
from runtime.settings.features import FeatureSettings
from runtime.settings.lakehouse import LakehouseSettings, MlflowSettings
from runtime.settings.lifetime import LifetimeSettings
from runtime.settings.measurement import MeasurementSettings
from runtime.settings.messages import MessageSettings
from runtime.settings.plan import PlanSettings
from runtime.settings.segments import RfmSettings, RiskSettings
from runtime.settings.simulation import SimulationSettings
from runtime.settings.sources import IngestSettings, SourceSettings
from runtime.settings.training import TrainingSettings
from runtime.settings.triggers import TriggerSettings
from runtime.settings.uplift import ModelAbSettings, UpliftSettings
from runtime.settings.yaml_size import check_yaml_size


class Settings(BaseSettings):
    """All settings of one environment."""

    model_config = SettingsConfigDict(
        env_prefix="HOLDFAST__", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    env: str
    lakehouse: LakehouseSettings
    mlflow: MlflowSettings
    spark_profile: str
    as_of: dt.date | None
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] | None
    sources: dict[str, SourceSettings]
    simulation: SimulationSettings | None
    ingest: IngestSettings
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
    lifetime: LifetimeSettings
    plan: PlanSettings
    decisions: DecisionSettings
    measurement: MeasurementSettings
    messages: MessageSettings
    uplift: UpliftSettings
    model_ab: ModelAbSettings
    triggers: TriggerSettings

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (
            init_settings,
            env_settings,
            YamlConfigSettingsSource(
                settings_cls, yaml_file=_files.get("files", []), deep_merge=True
            ),
        )

    @property
    def root(self) -> Path:
        """Folder of the Delta layers (if local) and of the lock."""
        name = "lakehouse" if self.env == "demo" else f"lakehouse-{self.env}"
        return Path(self.lakehouse.root or name).resolve()

    def spark_profile_values(self) -> dict[str, str]:
        name = f"spark/{self.spark_profile}.yaml"
        path = next((d / name for d in (conf_dir(), package_conf()) if (d / name).is_file()), None)
        if path is None:
            known = sorted(p.stem for p in (package_conf() / "spark").glob("*.yaml"))
            raise UsageError(
                f"spark_profile: {self.spark_profile!r} must name a file in conf/spark/; "
                f"there are {', '.join(known)}."
            )
        return yaml.safe_load(path.read_text()) or {}


# pydantic-settings reads its files in a class method; `load` passes them through this variable.
_files: dict[str, list[Path]] = {}
_conf_dir: list[Path] = []
# An environment is named by letters, digits, - and _: never by a path.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
# Files of conf/ that are not environments.
RESERVED = ("defaults", "offers")


def conf_dir() -> Path:
    """The folder with the YAML files: --conf-dir, else the package's own."""
    return _conf_dir[0] if _conf_dir else package_conf()


@cache
def package_conf() -> Path:
    """The package's own conf/. From a zip (--py-files) it is copied to a temporary folder."""
    inside = importlib.resources.files("conf")
    if isinstance(inside, Path):
        return inside
    folder = Path(tempfile.mkdtemp(prefix="holdfast-conf-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for part in ("", "spark"):
        (folder / part).mkdir(exist_ok=True)
        for file in inside.joinpath(part).iterdir() if part else inside.iterdir():
            if file.name.endswith(".yaml"):
                (folder / part / file.name).write_bytes(file.read_bytes())
    return folder


def use_conf_dir(folder: str | None) -> None:
    """Read the YAML files from `folder`. None: from the package."""
    _conf_dir.clear()
    if folder is not None:
        if not Path(folder).is_dir():
            raise UsageError(
                f"--conf-dir {folder}: does not exist. It must be a folder with YAML files."
            )
        _conf_dir.append(Path(folder).resolve())


def check_name(env: str) -> None:
    """UsageError if a file of conf/ cannot have this name."""
    if not _NAME.fullmatch(env) or env in RESERVED:
        raise UsageError(
            f"--env {env[:80]}: must be letters, digits, - and _, and none of "
            f"{', '.join(RESERVED)}. Choose another name."
        )


def load(env: str, **overrides: Any) -> Settings:
    """The settings of conf/<env>.yaml over the defaults. UsageError lists every error."""
    package = package_conf()
    path = conf_dir() / f"{env if _NAME.fullmatch(env) else ''}.yaml"
    known = sorted(p.stem for p in conf_dir().glob("*.yaml") if p.stem not in RESERVED)
    if not path.is_file() or env in RESERVED:
        raise UsageError(
            f"--env {env[:80]}: must be the name of a file in conf/; there are {', '.join(known)}."
        )
    own_defaults = conf_dir() / "defaults.yaml"
    _files["files"] = [package / "defaults.yaml", own_defaults, path]
    try:
        for file in (own_defaults, path):
            if file.is_file():
                check_yaml_size(file)
        if not isinstance(yaml.safe_load(path.read_text(encoding="utf-8")) or {}, dict):
            raise ValueError("it must hold lines of the form key: value")
        return Settings(env=env, **overrides)
    except yaml.YAMLError as error:
        raise UsageError(
            f"{path.name}: is not valid YAML: {error}. Fix the line it names."
        ) from None
    except ValidationError as error:
        raise UsageError(_explain(error, path.name)) from None
    except ValueError as error:  # an invalid date, or a variable that is not JSON
        raise UsageError(
            f"conf/{path.name}, or a variable HOLDFAST__...: cannot be read: {error}. Fix it."
        ) from None
    finally:
        _files.clear()


def _explain(error: ValidationError, file: str) -> str:
    lines = []
    for fault in error.errors():
        where = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            lines.append(f"conf/{file}: {where} is not a setting. Remove it, or fix its spelling.")
        elif isinstance(fault.get("input"), dict):  # a section: the message names the value
            lines.append(f"conf/{file}: {where}: {fault['msg'].removeprefix('Value error, ')}.")
        else:
            # An option of a reader may be a password.
            value = "(hidden)" if "options" in fault["loc"] else repr(fault.get("input"))
            lines.append(f"conf/{file}: {where} = {value}: {fault['msg']}.")
    return "\n".join(lines)
