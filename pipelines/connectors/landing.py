"""The folder in which the records of one source arrive: a JSON-lines file per page.

The state (where to continue, which records have arrived) is an SQLite file in the folder. A page is
written under a hidden name, then the state is committed, then the page gets its name. So a page is
part of the folder exactly if the state says so: after a kill the next run renames the page that
was committed, or removes the one that was not.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from runtime.errors import BusyError, SourceError
from runtime.fault_points import fault_point

# Spark ignores files whose names start with _ or a dot.
STATE = "_fetch.sqlite"
_PART = re.compile(r"\.page-(\d{8})\.part")
_PAGE = re.compile(r"page-(\d{8})\.json")
_TABLES = """
CREATE TABLE IF NOT EXISTS position (is_only INTEGER PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS seen (hash BLOB PRIMARY KEY, cursor INTEGER) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Position:
    """Where the next request continues.

    pages: number of pages that arrived. is_open: a pass over the records has begun and not ended.
    since: the cursor from which the pass asks. page: token, link or offset of the next page; None:
    the first. count: records read in the pass. highest: the highest cursor so far, at most the
    time of the service.
    """

    pages: int = 0
    is_open: bool = False
    since: int | None = None
    page: str | None = None
    count: int = 0
    highest: int | None = None


class Landing:
    """The folder of one source, used by one process at a time.

    BusyError: another process uses it. SourceError: the state file is damaged.
    """

    def __init__(self, source: str, folder: Path) -> None:
        self.source, self.folder = source, folder
        folder.mkdir(parents=True, exist_ok=True)
        # isolation_level None: transactions begin and end where this module says.
        self._db = sqlite3.connect(folder / STATE, timeout=0, isolation_level=None)
        try:
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("BEGIN EXCLUSIVE")
            self._db.execute("COMMIT")  # The lock stays until close.
            self._db.executescript(_TABLES)
            row = self._db.execute("SELECT value FROM position").fetchone()
            self.position = Position(**json.loads(row[0])) if row else self._first()
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            self._db.close()
            raise self._explained(error) from None
        self._finish_pages()

    def close(self) -> None:
        """Let other processes use the folder."""
        self._db.close()

    def unseen(self, records: Iterable[Any]) -> list[tuple[bytes, Any]]:
        """The records that have not arrived yet, each once, with their hash.

        A record that changed has another hash.
        """
        new: dict[bytes, Any] = {}
        for record in records:
            digest = _hash(record)
            query = "SELECT 1 FROM seen WHERE hash = ?"
            if digest not in new and self._db.execute(query, (digest,)).fetchone() is None:
                new[digest] = record
        return list(new.items())

    def add(
        self, new: Sequence[tuple[bytes, Any]], cursors: Sequence[int | None], following: Position
    ) -> None:
        """Add the records as one page, and continue at `following`. Without records: no page.

        cursors: those of the records, in the same order; None: the record has none.
        """
        number = self.position.pages + bool(new)
        following = Position(**{**asdict(following), "pages": number})
        if new:
            self._write(number, [record for _, record in new])
            fault_point("page_written")
        hashes = [(digest, cursor) for (digest, _), cursor in zip(new, cursors, strict=True)]
        self._commit(following, hashes)
        fault_point("state_committed")
        if new:
            self._name(number)
            fault_point("page_named")

    def end_pass(self, forget_below: int | None) -> None:
        """End the pass. Forget records with a lower cursor: they are not asked for again."""
        ended = {"is_open": False, "page": None, "count": 0}
        self._commit(Position(**{**asdict(self.position), **ended}), [], forget_below)
        fault_point("pass_ended")

    def _commit(
        self,
        position: Position,
        hashes: Sequence[tuple[bytes, int | None]],
        forget_below: int | None = None,
    ) -> None:
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", hashes)
        if forget_below is not None:
            db.execute("DELETE FROM seen WHERE cursor < ?", (forget_below,))
        db.execute("INSERT OR REPLACE INTO position VALUES (1, ?)", (json.dumps(asdict(position)),))
        db.execute("COMMIT")
        self.position = position

    def _write(self, number: int, records: Sequence[Any]) -> None:
        with self._part(number).open("w", encoding="utf-8") as file:
            for record in records:
                # ASCII: half of a surrogate pair cannot be written as UTF-8.
                file.write(json.dumps(record, separators=(",", ":")) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _name(self, number: int) -> None:
        self._part(number).replace(self.folder / f"page-{number:08d}.json")
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _part(self, number: int) -> Path:
        return self.folder / f".page-{number:08d}.part"

    def _finish_pages(self) -> None:
        """Rename a page that was committed before a kill, and remove one that was not."""
        for path in self.folder.iterdir():
            if match := _PART.fullmatch(path.name):
                if int(match[1]) <= self.position.pages:
                    self._name(int(match[1]))
                else:
                    path.unlink()

    def _first(self) -> Position:
        """The position without a state. Pages that are there keep their numbers."""
        names = (_PAGE.fullmatch(path.name) for path in self.folder.iterdir())
        return Position(pages=max((int(m[1]) for m in names if m), default=0))

    def _explained(self, error: Exception) -> BusyError | SourceError:
        path = self.folder / STATE
        if "locked" in str(error):
            return BusyError(
                f"source {self.source}: another fetch_sources uses {self.folder}. Start again when "
                f"it has ended."
            )
        return SourceError(
            f"source {self.source}: {path} is damaged. Remove it: the next fetch_sources reads all "
            f"records again, and ingest drops those that it has, by their key."
        )


def _hash(record: Any) -> bytes:
    """128 bits: among a billion records two have the same hash with a probability of 1e-21."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).digest()[:16]
