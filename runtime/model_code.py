"""The code of a registered model: the modules that its pyfunc imports, and their requirements.

A registered version is loaded where the checkout is absent. It therefore has copies of our modules,
in a package whose name contains a hash of the code: `from models.portable import PortableModel`
becomes `from holdfast_1a2b3c4d5e6f.models.portable import PortableModel`. Versions with different
code can be loaded in one process, and none of them replaces the `models` of a checkout.
"""

from __future__ import annotations

import ast
import atexit
import hashlib
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import mlflow

import runtime

# The packages that a served model may use. None of them reads files or starts Spark when imported.
OURS = ("contracts", "models", "udfs")
_IMPORT = re.compile(rf"^(\s*from )({'|'.join(OURS)})\b", re.MULTILINE)


class ModelCode(NamedTuple):
    """Files for MLflow: the pyfunc, the folder of the package it imports, pinned requirements."""

    pyfunc: Path
    package: Path
    requirements: list[str]


def model_code(pyfunc: Path, folder: Path) -> ModelCode:
    """Copy the pyfunc and every module of ours that it imports, directly or not, into `folder`.

    pyfunc: a file of our packages, which may lie in an archive (--py-files).
    """
    pyfunc = _root() / pyfunc.relative_to(_imported_from())
    files = _imported_files(pyfunc)
    texts = {path: path.read_text(encoding="utf-8") for path in (pyfunc, *files)}
    digest = hashlib.sha256("\0".join(texts.values()).encode()).hexdigest()
    name = f"holdfast_{digest[:12]}"
    package = folder / name
    package.mkdir()
    (package / "__init__.py").touch()
    for path, text in texts.items():
        copy = folder / path.name if path == pyfunc else package / path.relative_to(_root())
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(_IMPORT.sub(rf"\1{name}.\2", text), encoding="utf-8")
    return ModelCode(folder / pyfunc.name, package, _requirements(texts.values()))


@contextmanager
def importable(code: ModelCode) -> Iterator[None]:
    """Let MLflow import the package while it logs the model, and forget its modules afterwards."""
    name, before = code.package.name, list(sys.path)
    sys.path.insert(0, str(code.package.parent))
    try:
        yield
    finally:
        # MLflow adds a temporary folder of its own.
        sys.path[:] = before
        for module in [m for m in sys.modules if m.split(".")[0] == name]:
            del sys.modules[module]


def _imported_from() -> Path:
    """Where our packages are imported from: the checkout, site-packages, or an archive."""
    return Path(runtime.__file__).parents[1]


@cache
def _root() -> Path:
    """The folder of our packages. An archive (--py-files) is copied to a temporary folder."""
    if _imported_from().is_dir():
        return _imported_from()
    folder = Path(tempfile.mkdtemp(prefix="holdfast-code-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with zipfile.ZipFile(_imported_from()) as archive:
        archive.extractall(folder)
    return folder


def _imported_files(pyfunc: Path) -> list[Path]:
    """The files of our modules that the pyfunc needs, with the __init__.py of their packages."""
    root, files, waiting = _root(), set[Path](), [pyfunc]
    while waiting:
        for module in _imports(waiting.pop().read_text(encoding="utf-8")):
            parts = module.split(".")
            if parts[0] not in OURS:
                continue
            for end in range(1, len(parts) + 1):
                stem = root.joinpath(*parts[:end])
                for path in (stem / "__init__.py", stem.with_suffix(".py")):
                    if path.is_file() and path not in files:
                        files.add(path)
                        waiting.append(path)
    return sorted(files)


def _imports(text: str) -> Iterator[str]:
    """Modules that a text imports when it runs; `a.b` and `a.b.c` for `from a.b import c`."""
    tree = ast.parse(text)
    for block in ast.walk(tree):
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test):
            block.body = [ast.Pass()]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _requirements(texts: Iterable[str]) -> list[str]:
    """The installed version of each package that the code imports, as pip requirements.

    `mlflow` stands for mlflow-skinny too: a serving environment needs the complete package.
    """
    imported = {module.split(".")[0] for text in texts for module in _imports(text)}
    owners = metadata.packages_distributions()
    names = {n for m in imported - {"mlflow"} - set(OURS) for n in owners.get(m, ())[:1]}
    pinned = {f"{name}=={metadata.version(name)}" for name in names}
    return sorted({f"mlflow=={mlflow.__version__}"} | pinned)
