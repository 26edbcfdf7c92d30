"""The files of a path on this machine, as Spark would find them."""

from __future__ import annotations

import glob
from pathlib import Path

from pipelines.ingestion.source_files import SourceFile, batch_id
from runtime.errors import SourceError
from runtime.settings.source_paths import HIDDEN, no_file, resolve


def local_files(source: str, path: str) -> list[Path]:
    """Every file of a path (file, folder, glob or package:...), by name.

    Like Spark, it skips names that begin with _ or a dot. UsageError if there is no file,
    SourceError for a path of another machine.
    """
    place = resolve(source, path).removeprefix("file://")
    if "://" in place:
        raise SourceError(
            f"source {source}: {path} is not on this machine, and `check` reads local files only. "
            f"Run `ingest --dry-run` instead."
        )
    matches = [Path(place)] if Path(place).exists() else [Path(m) for m in glob.glob(place)]
    files = [f for m in matches for f in (m.iterdir() if m.is_dir() else [m]) if f.is_file()]
    visible = sorted(f for f in files if not f.name.startswith(HIDDEN))
    if not visible:
        raise no_file(source, path)
    return visible


def source_file(source: str, file: Path) -> SourceFile:
    """A file of this machine as ingest lists it."""
    state = file.stat()
    modified_ms = state.st_mtime_ns // 1_000_000
    identity = batch_id(source, file.name, state.st_size, modified_ms=modified_ms)
    return SourceFile(identity, file.name, file.absolute().as_uri(), state.st_size, modified_ms)
