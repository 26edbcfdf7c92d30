"""The folder with the YAML files, and the names that a file in it may have."""

from __future__ import annotations

import atexit
import importlib.resources
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path

from runtime.errors import UsageError

_conf_dir: list[Path] = []
# An environment is named by letters, digits, - and _: never by a path.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
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


def environments(incomplete: str = "") -> list[str]:
    """The names of the files in conf/ that are environments and start with `incomplete`."""
    names = (p.stem for p in conf_dir().glob("*.yaml"))
    return sorted(n for n in names if n not in RESERVED and n.startswith(incomplete))


def check_name(env: str) -> None:
    """UsageError if a file of conf/ cannot have this name."""
    if not NAME.fullmatch(env) or env in RESERVED:
        raise UsageError(
            f"--env {env[:80]}: must be letters, digits, - and _, and none of "
            f"{', '.join(RESERVED)}. Choose another name."
        )
