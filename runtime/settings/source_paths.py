"""The places of source files, checked before Spark starts where they are on this machine."""

from __future__ import annotations

import glob
import importlib.util
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.errors import UsageError
from runtime.suggestions import did_you_mean

if TYPE_CHECKING:
    from runtime.settings.environment import Settings

PACKAGE = "package:"
# Spark ignores files and folders that start with these.
HIDDEN = ("_", ".")


def resolve(source: str, path: str) -> str:
    """A path that Spark can read. package:<python package>/<path> becomes the installed file."""
    if not path.startswith(PACKAGE):
        return path
    package, _, inside = path.removeprefix(PACKAGE).partition("/")
    try:
        spec = importlib.util.find_spec(package)
    except (ModuleNotFoundError, ValueError):  # of a parent package; an empty name
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(
            f"source {source}: {path} names the Python package {package}, which is not installed. "
            f"Install it with `pip install {package}`."
        )
    return str(Path(spec.submodule_search_locations[0]) / inside)


def no_file(source: str, path: str) -> UsageError:
    """The error of a path of conf that matches no file."""
    return UsageError(
        f"source {source}: {path} matches no file. Put a file there, or fix "
        f"sources.{source}.path in conf (a file, a folder, a pattern, or "
        f"package:<package>/<path>)."
    )


def nothing_fetched(source: str, path: str) -> str:
    """The warning about a source of fetch_sources whose folder has no file yet."""
    return f"{source}: no record has arrived in {path}. Run fetch_sources first."


def check_sources(settings: Settings, replay: str | None = None) -> None:
    """UsageError for an unknown source to replay, or for the first source without a file.

    Only Spark can judge other places than this machine: remote ones, and all paths where its
    default file system may be another one (with a catalog, or another profile than local).
    """
    if replay is not None:
        return check_replay(settings, replay)
    if settings.lakehouse.catalog or "local" not in settings.spark_profiles:
        return None
    for name, source in settings.sources.items():
        is_elsewhere = source.format == "jdbc" or source.fetch or source.stream
        if is_elsewhere or not source.path:
            continue
        if not _may_exist(resolve(name, source.path)):
            raise no_file(name, source.path)
    return None


def check_pipeline_sources(settings: Settings) -> None:
    """check_sources, except for a simulated company: its files are written by the first step."""
    if settings.simulation is None:
        check_sources(settings)


def check_replay(settings: Settings, source: str) -> None:
    """UsageError if the source of --replay is not in conf."""
    if source not in settings.sources:
        raise UsageError(
            f"--replay {source}: must be a source in conf. Sources are "
            f"{', '.join(settings.sources)}.{did_you_mean(source, settings.sources)}"
        )


def _may_exist(path: str) -> bool:
    """False only if it is certain that Spark would find no file."""
    path = re.sub(r"^file:(//)?(?=/)", "", path)
    # A URI of another file system, or a pattern that Hadoop reads differently than Python.
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", path) or re.search(r"[\[\]{}\\^]", path):
        return True
    return any(True for match in glob.iglob(path) for _ in _files(match))


def _files(path: str) -> Iterator[str]:
    """The files at a path and in its folders, without hidden ones."""
    if os.path.isfile(path):
        yield path
    for folder, folders, names in os.walk(path):
        folders[:] = [f for f in folders if not f.startswith(HIDDEN) or "=" in f]
        yield from (os.path.join(folder, n) for n in names if not n.startswith(HIDDEN))
