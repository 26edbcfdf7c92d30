"""The folder that MLflow serves: its digest, and loading it after the digest was compared."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities.model_registry import ModelVersion

from runtime.model_digest import (
    FIX_OF_A_VERSION,
    SERVED,
    check_digest,
    folder_digest,
    without_written_files,
)


def digest_of_artifacts(uri: str) -> str:
    """The digest of the folder at an address of MLflow."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder))
        return folder_digest(without_written_files(copy))


def load_served(name: str, version: ModelVersion) -> Any:
    """The pyfunc of a version. ModelGateError for a changed, added or missing file.

    The folder is copied first, so that the files that are compared are those that run, without
    compiled ones. `mlflow.pyfunc.load_model` alone compares nothing.
    """
    # Kept until the process ends: numba writes compiled code into it at the first prediction.
    folder = tempfile.mkdtemp(prefix="holdfast-model-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    uri = f"models:/{name}/{version.version}"
    copy = Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder))
    check_digest(
        f"{name}, version {version.version}",
        "the served folder",
        folder_digest(without_written_files(copy)),
        tags=version.tags,
        tag=SERVED,
        fix=FIX_OF_A_VERSION,
    )
    return mlflow.pyfunc.load_model(str(copy))
