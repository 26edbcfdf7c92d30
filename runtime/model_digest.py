"""SHA-256 digests of a registered model's files: tags in the registry, compared at loading.

A tag is named `sha256.` and the stem of the file: sha256.portable, sha256.horizon_60. The folder
that MLflow serves has the tag sha256.model. Artifacts and registry are often stored in different
places: who can write the artifacts alone cannot change a model unnoticed. Versions that were
registered before these tags existed are loaded without a comparison.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow

from runtime.errors import ModelGateError

PREFIX = "sha256."
SERVED = f"{PREFIX}model"
FIX_OF_A_VERSION = "Restore the file, or give the alias to another version, as roll_back does."
FIX_OF_A_RUN = "Restore the file, or delete the run in MLflow and start the command again."
# MLflow writes this file into the folder when it loads a version.
_WRITTEN_AT_LOADING = "registered_model_meta"


def tag_of(path: str) -> str:
    """The tag of an artifact: `portable/horizon_60.json` has sha256.horizon_60."""
    return f"{PREFIX}{Path(path).stem}"


def text_digest(text: str) -> str:
    """The SHA-256 of a text in UTF-8, as hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def folder_digest(folder: Path) -> str:
    """The SHA-256 over path and content of every file of a folder, in order of the paths."""
    parts = [
        f"{path.relative_to(folder).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    return text_digest("\n".join(parts))


def without_written_files(folder: Path) -> Path:
    """The folder, without what MLflow and Python write into it when a model is loaded.

    Compiled files have to go: Python runs them instead of the source files that are compared.
    """
    (folder / _WRITTEN_AT_LOADING).unlink(missing_ok=True)
    for cache in list(folder.rglob("__pycache__")):
        shutil.rmtree(cache)
    return folder


def check_digest(
    owner: str, path: str, digest: str, *, tags: Mapping[str, str], tag: str, fix: str
) -> None:
    """Raise ModelGateError if the tag names another digest. owner: the model version or the run.

    fix: FIX_OF_A_VERSION or FIX_OF_A_RUN.
    """
    expected = tags.get(tag, digest)
    if digest != expected:
        raise ModelGateError(
            f"{owner}: {path} has the SHA-256 {digest[:12]}..., but the registry's tag {tag} is "
            f"{expected[:12]}...; a file that was changed after its registration is not used. {fix}"
        )


def log_record(content: Any, path: str) -> None:
    """Log JSON values to the active run, with their digest as a tag that `run_json` compares."""
    text = json.dumps(content, indent=2, default=str)
    mlflow.log_text(text, path)
    mlflow.set_tag(tag_of(path), text_digest(text))
