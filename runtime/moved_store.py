"""Artifact addresses of MLflow's store in a lakehouse folder that was moved, renamed or copied.

MLflow keeps absolute addresses of artifacts in its database. This module imports no MLflow, so it
also runs where only Python is installed: `python runtime/moved_store.py <lakehouse folder>`.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

ARTIFACTS = "mlartifacts"
# The columns in which MLflow keeps addresses: (table, column).
ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def follow_move(root: Path) -> str | None:
    """Let `root`/mlflow.db point to `root`/mlartifacts. Returns the former address.

    None: there is nothing to change. Only addresses of a folder mlartifacts beside the database are
    changed, not those that somebody configured in MLflow. A copy of a lakehouse points to its own
    artifacts afterwards. One transaction: a reader sees all addresses before or all after it.
    """
    file, artifacts = root / "mlflow.db", root / ARTIFACTS
    if not file.is_file() or not artifacts.is_dir():
        return None
    with closing(sqlite3.connect(file, timeout=30)) as store, store:
        former = _former(store, artifacts)
        if former is None:
            return None
        here = artifacts.as_uri()
        for table, column in _present(store):
            store.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                (here, len(former) + 1, former, len(former) + 1, f"{former}/"),
            )
    return former


def _former(store: sqlite3.Connection, artifacts: Path) -> str | None:
    """The address of another folder mlartifacts at which an experiment keeps its artifacts."""
    if ADDRESSES[0] not in _present(store):
        return None
    rows = store.execute("SELECT DISTINCT artifact_location FROM experiments ORDER BY 1").fetchall()
    for (address,) in rows:
        parts = urlparse(address or "")
        folder = Path(url2pathname(parts.path))
        if parts.scheme != "file" or folder.name != ARTIFACTS:
            continue
        if not (folder.exists() and folder.samefile(artifacts)):
            return str(address)
    return None


def _present(store: sqlite3.Connection) -> list[tuple[str, str]]:
    """The columns of ADDRESSES that the store has. An older MLflow made fewer."""
    query = "SELECT count(*) FROM pragma_table_info(?) WHERE name = ?"
    return [names for names in ADDRESSES if store.execute(query, names).fetchone()[0]]


if __name__ == "__main__":
    follow_move(Path(sys.argv[1]).resolve())
