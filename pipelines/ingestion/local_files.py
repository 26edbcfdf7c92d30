"""The files of a path, as Spark would find them, without Spark."""

from __future__ import annotations

from urllib.parse import quote

from pipelines.ingestion.source_files import SourceFile, batch_id
from runtime.files import Location
from runtime.settings.source_paths import HIDDEN, no_file, resolve


def local_files(source: str, path: str) -> list[Location]:
    """Every file of a path (file, folder, pattern, URI or package:...), by name.

    Like Spark, it skips names that begin with _ or a dot. UsageError if there is no file,
    StoreError if an object store cannot be reached.
    """
    files = Location.of(resolve(source, path)).matches()
    visible = [f for f in files if not f.name.startswith(HIDDEN)]
    if not visible:
        raise no_file(source, path)
    return visible


def source_file(source: str, file: Location) -> SourceFile:
    """A file as ingest lists it."""
    identity = batch_id(source, file.name, file.size, modified_ms=file.modified_ms)
    path = file.uri if file.is_remote else f"file://{quote(file.uri)}"
    return SourceFile(identity, file.name, path, file.size, file.modified_ms)
