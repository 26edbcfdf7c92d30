"""MLflow for the jobs: one experiment, one registered model, aliases champion and challenger.

A model is stored as its portable JSON text (no pickle); the pyfunc around it is our code.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities import Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature, infer_signature
from mlflow.types.schema import AnyType, ColSpec, Schema

from runtime.errors import HoldfastError, ModelGateError
from runtime.mlflow_stores import use_stores
from runtime.model_code import importable, model_code
from runtime.model_digest import (
    FIX_OF_A_RUN,
    FIX_OF_A_VERSION,
    PREFIX,
    SERVED,
    check_digest,
    tag_of,
    text_digest,
)
from runtime.moved_store import ARTIFACTS, follow_move
from runtime.served_model import digest_of_artifacts, load_served
from runtime.settings import Settings
from runtime.settings.lakehouse import registered_name, registry_uri, tracking_uri

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
MODEL_FILE = "portable.json"
# Error codes of stores for a missing model or alias. MLflow's SQL and file stores use the second
# code for a missing alias.
ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


@dataclass(frozen=True)
class Registered:
    """One version in the registry with its portable form."""

    name: str
    version: str
    run_id: str
    portable: str
    tags: Mapping[str, str]


class Registry:
    """A registered model of one environment: the churn model, unless another name is given.

    If the lakehouse was moved or copied, the addresses of artifacts in its own store are corrected.
    """

    def __init__(self, settings: Settings, model_name: str | None = None) -> None:
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        # Else MLflow notes that a served model needs ANTHROPIC_API_KEY. It needs no secret.
        os.environ.setdefault("MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING", "false")
        for chatty in ("mlflow", "alembic", "XGBoost-PySpark"):
            logging.getLogger(chatty).setLevel(logging.ERROR)
        self.settings = settings
        name = model_name or settings.mlflow.model_name
        self.model_name = registered_name(name, settings.mlflow, settings.lakehouse)
        tracking = tracking_uri(settings.mlflow, settings.lakehouse)
        # Whether runs and models are in the lakehouse folder, and not on a server.
        self.is_own_store = tracking is None
        if self.is_own_store:
            self._follow_move()
        use_stores(tracking or f"sqlite:///{self.own_file}", registry_uri(settings.mlflow))

    def _follow_move(self) -> None:
        try:
            follow_move(Path(self.settings.root))
        except sqlite3.OperationalError as error:
            raise HoldfastError(
                f"{self.own_file}: the lakehouse was moved, and the addresses of its models cannot "
                f"be corrected ({error}). Run one command with write permission for this file."
            ) from error

    @property
    def own_file(self) -> Path:
        """The tracking store in the lakehouse, used unless conf names another."""
        return Path(self.settings.root) / "mlflow.db"

    @cached_property
    def client(self) -> mlflow.MlflowClient:
        """MLflow's client. Its first use creates the file of the store."""
        if self.is_own_store:
            self.own_file.parent.mkdir(parents=True, exist_ok=True)
        return mlflow.MlflowClient()

    def experiment_id(self) -> str:
        """Id of the experiment. It is created on first use, with artifacts beside the database."""
        name = self.settings.mlflow.experiment
        experiment = self.client.get_experiment_by_name(name)
        if experiment is not None:
            return experiment.experiment_id
        if self.is_own_store:
            location = (Path(self.settings.root) / ARTIFACTS).as_uri()
            return self.client.create_experiment(name, artifact_location=location)
        return self.client.create_experiment(name)

    def by_alias(self, alias: str) -> Registered | None:
        """The version with the alias. None: no version has it.

        ModelGateError if its file was changed after it was registered.
        """
        version = self._with_alias(alias)
        return None if version is None else self._registered(version)

    def number_of(self, alias: str) -> str | None:
        """The number of the version with the alias. Its files are not read."""
        version = self._with_alias(alias)
        return None if version is None else str(version.version)

    def _with_alias(self, alias: str) -> ModelVersion | None:
        if self.is_own_store and not self.own_file.is_file():
            return None  # a dry run on an empty lake must leave no file
        try:
            return self.client.get_model_version_by_alias(self.model_name, alias)
        except MlflowException as error:
            if error.error_code not in ABSENT:
                raise  # a store that does not answer is not an absent champion
            return None

    def by_version(self, version: str) -> Registered:
        """A version by its number. ModelGateError if its file was changed after registration."""
        return self._registered(self.client.get_model_version(self.model_name, version))

    def _registered(self, version: ModelVersion) -> Registered:
        run_id, number, tags = str(version.run_id), str(version.version), dict(version.tags)
        text = self._text_of_version(run_id, MODEL_FILE, number=number, tags=tags)
        return Registered(self.model_name, number, run_id, text, tags)

    def _text_of_version(
        self, run_id: str, file: str, *, number: str, tags: Mapping[str, str]
    ) -> str:
        path, owner = f"portable/{file}", f"version {number}"
        return self._checked_text(run_id, path, owner, tags=tags, fix=FIX_OF_A_VERSION)

    def further_models(self, model: Registered, kind: str) -> dict[str, str]:
        """The portable models `<kind>_<name>` of a version by name. Kinds: horizon, reason, ...

        ModelGateError if one was changed after the version was registered. A file that was added
        later has no tag and is left out.
        """
        stems = [tag.removeprefix(PREFIX) for tag in model.tags if tag.startswith(PREFIX)]
        if not stems:  # registered before digests were kept
            files = self.client.list_artifacts(model.run_id, "portable")
            stems = [Path(f.path).stem for f in files]
        names = sorted(s.removeprefix(f"{kind}_") for s in stems if s.startswith(f"{kind}_"))
        run_id, number, tags = model.run_id, model.version, model.tags
        return {
            n: self._text_of_version(run_id, f"{kind}_{n}.json", number=number, tags=tags)
            for n in names
        }

    def _checked_text(
        self, run_id: str, path: str, owner: str, *, tags: Mapping[str, str], fix: str
    ) -> str:
        text, tag = self.run_text(run_id, path), tag_of(path)
        digest, owner = text_digest(text), f"{self.model_name}, {owner}"
        check_digest(owner, path, digest, tags=tags, tag=tag, fix=fix)
        return text

    def served(self, alias: str) -> Any:
        """The pyfunc of the version with the alias, loaded after its files were compared.

        ModelGateError for a changed, added or missing file, or if no version has the alias.
        """
        version = self._with_alias(alias)
        if version is None:
            raise ModelGateError(
                f"{self.model_name}: no version has the alias {alias}. Train a model first."
            )
        return load_served(self.model_name, version)

    def finished_run(self, fingerprint: str) -> Run | None:
        """The finished run with the same fingerprint. None: there is none."""
        runs = self.client.search_runs(
            [self.experiment_id()],
            filter_string=f"tags.fingerprint = '{fingerprint}' and attributes.status = 'FINISHED'",
            max_results=1,
        )
        return runs[0] if runs else None

    def run_text(self, run_id: str, path: str) -> str:
        """A text artifact of a run."""
        with tempfile.TemporaryDirectory() as folder:
            return Path(self.client.download_artifacts(run_id, path, folder)).read_text()

    def run_json(self, run_id: str, path: str) -> Any:
        """A JSON artifact of a run. ModelGateError if it was changed after `log_record`."""
        tags = self.client.get_run(run_id).data.tags
        owner = f"run {run_id[:12]}"
        return json.loads(self._checked_text(run_id, path, owner, tags=tags, fix=FIX_OF_A_RUN))

    def register(
        self,
        run_id: str,
        code: Path,
        portable: str,
        *,
        example: pd.DataFrame,
        answer: pd.DataFrame,
        tags: dict[str, str],
        further: Mapping[str, str] | None = None,
    ) -> str:
        """Log a pyfunc and its portable form in the active run, and register a new version.

        code: file of the pyfunc. The version has a copy of the modules that it imports, so it is
        loaded without a checkout. further: other portable models by file name. The digests of all
        files become tags of the version. Returns the version.
        """
        digests = {tag_of(MODEL_FILE): text_digest(portable)}
        for name, text in (further or {}).items():
            mlflow.log_text(text, f"portable/{name}.json")
            digests[tag_of(name)] = text_digest(text)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / MODEL_FILE
            path.write_text(portable)
            mlflow.log_artifact(str(path), "portable")
            shipped = model_code(code, Path(folder))
            with importable(shipped):
                logged = mlflow.pyfunc.log_model(
                    name="model",
                    python_model=str(shipped.pyfunc),
                    artifacts={"portable": str(path)},
                    code_paths=[str(shipped.package)],
                    signature=signature_of(example, answer),
                    input_example=example,
                    pip_requirements=shipped.requirements,
                )
        digests[SERVED] = digest_of_artifacts(logged.model_uri)
        self._create_model()
        version = self.client.create_model_version(
            self.model_name, logged.model_uri, run_id=run_id, tags={**tags, **digests}
        )
        return str(version.version)

    def _create_model(self) -> None:
        """Create the registered model if there is none. (Unity Catalog has no search by name.)"""
        try:
            self.client.get_registered_model(self.model_name)
        except MlflowException as error:
            if error.error_code not in ABSENT:
                raise
            self.client.create_registered_model(self.model_name)

    def set_alias(self, alias: str, version: str) -> None:
        self.client.set_registered_model_alias(self.model_name, alias, version)

    def describe(self, version: str, text: str) -> None:
        """Set the description that the registry shows for a version."""
        self.client.update_model_version(self.model_name, version, text)

    def promote(self, version: str) -> None:
        """Make a version the champion. The former champion gets the alias `previous`."""
        before = self.number_of(CHAMPION)
        if before is not None and before != version:
            self.set_alias(PREVIOUS, before)
        self.set_alias(CHAMPION, version)


def signature_of(example: pd.DataFrame, answer: pd.DataFrame) -> ModelSignature:
    """The signature of a served model: the names of its columns, and the types of its answer.

    The input has no types, because MLflow would refuse a bigint or a boolean for a double, and a
    bigint column with a missing value. The encoder checks and converts the values.
    """
    inputs = Schema([ColSpec(AnyType(), str(name), required=False) for name in example.columns])
    return ModelSignature(inputs, infer_signature(example, answer).outputs)


def rollback(registry: Registry) -> str:
    """Make the previous champion the champion again. Returns its version."""
    before = registry.by_alias(PREVIOUS)
    if before is None:
        raise ModelGateError(
            f"{registry.model_name}: has no version with the alias {PREVIOUS}, so there is "
            "nothing to go back to."
        )
    registry.promote(before.version)
    return before.version
