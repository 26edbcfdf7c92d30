"""The files of a path on this machine, as Spark would find them."""

from __future__ import annotations

import glob
import importlib.resources
from pathlib import Path

from runtime.errors import SourceError


def resolve(source: str, path: str) -> str:
    """A path that Spark can read. package:<python package>/<path> becomes the installed file."""
    if not path.startswith("package:"):
        return path
    package, _, inside = path.removeprefix("package:").partition("/")
    try:
        return str(importlib.resources.files(package).joinpath(inside))
    except ModuleNotFoundError:
        raise SourceError(
            f"source {source}: {path} names the Python package {package}, which is not installed. "
            f"Install it with `pip install {package}`."
        ) from None


def local_files(source: str, path: str) -> list[Path]:
    """Every file of a path (file, folder, glob or package:...), by name. SourceError: none.

    Like Spark, it skips names that begin with _ or a dot.
    """
    place = resolve(source, path).removeprefix("file://")
    if "://" in place:
        raise SourceError(
            f"source {source}: {path} is not on this machine, and `check` reads local files only. "
            f"Run `ingest --dry-run` instead."
        )
    matches = [Path(place)] if Path(place).exists() else [Path(m) for m in glob.glob(place)]
    files = [f for m in matches for f in (m.iterdir() if m.is_dir() else [m]) if f.is_file()]
    visible = sorted(f for f in files if f.name[0] not in "._")
    if not visible:
        raise SourceError(
            f"source {source}: {path} matches no file. Put a file there, or fix "
            f"sources.{source}.path in conf (a file, a folder, a pattern, or "
            f"package:<package>/<path>)."
        )
    return visible
