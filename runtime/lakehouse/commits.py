"""Commits of Delta tables: their operations, read from the log, and their metadata."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runtime.files import Location

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

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


class CommitMetadata:
    """Sets a merge's commit metadata, which Delta reads from the session only, and unsets it."""

    KEY = "spark.databricks.delta.commitInfo.userMetadata"

    def __init__(self, spark: SparkSession, message: str) -> None:
        self.spark, self.message = spark, message

    def __enter__(self) -> None:
        self.spark.conf.set(self.KEY, self.message)

    def __exit__(self, *error: object) -> None:
        self.spark.conf.unset(self.KEY)
