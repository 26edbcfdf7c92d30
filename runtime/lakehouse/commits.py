"""Commits of Delta tables: their operations, read from the log, and their metadata."""

from __future__ import annotations

import json
from pathlib import Path

# Delta reads a merge's commit metadata from this setting of the session only.
USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
# Operations that write, compact or delete files without a change of rows.
WITHOUT_ROWS = ("OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES")


def operation(folder: Path, version: int) -> str | None:
    """The operation of a commit, such as WRITE. None: Delta has removed the commit from the log."""
    path = folder / "_delta_log" / f"{version:020d}.json"
    if not path.is_file():
        return None
    with path.open(encoding="utf-8") as lines:
        actions = (json.loads(line) for line in lines)
        info: dict[str, object] = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
    return str(info.get("operation", ""))


def changed_by(folder: Path, newest: int) -> int:
    """The last version, up to the newest one, whose operation changed rows."""
    version = newest
    while version > 0 and operation(folder, version) in WITHOUT_ROWS:
        version -= 1
    return version
