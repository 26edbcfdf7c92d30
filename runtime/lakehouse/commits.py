"""Commits of Delta tables: their operations, read from the log, and their metadata."""

from __future__ import annotations

import json

from runtime.files import Location

# Delta reads a merge's commit metadata from this setting of the session only.
USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
# Operations that write, compact or delete files without a change of rows.
WITHOUT_ROWS = ("OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES")


def newest_version(table: Location) -> int | None:
    """The newest version in the log of a table. None: there is no table."""
    names = (file.name for file in (table / "_delta_log").files())
    versions = (name.removesuffix(".json") for name in names if name.endswith(".json"))
    return max((int(version) for version in versions if version.isdigit()), default=None)


def operation(table: Location, version: int) -> str | None:
    """The operation of a commit, such as WRITE. None: Delta has removed the commit from the log."""
    content = (table / "_delta_log" / f"{version:020d}.json").read()
    if content is None:
        return None
    actions = (json.loads(line) for line in content.splitlines())
    info: dict[str, object] = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
    return str(info.get("operation", ""))


def changed_by(table: Location, newest: int) -> int:
    """The last version, up to the newest one, whose operation changed rows."""
    version = newest
    while version > 0 and operation(table, version) in WITHOUT_ROWS:
        version -= 1
    return version
