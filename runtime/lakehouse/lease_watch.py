"""What a run that wants a lease sees: who holds it, and for how long the holder has been silent."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runtime.lakehouse.lease_files import LeaseFiles
from runtime.lakehouse.lease_holder import Holder

RELEASED = "released"
# What one pause adds at most to a holder's silence: a waiter that was stopped itself saw nothing.
LONGEST_LOOK_SECONDS = 5.0
_NAME = re.compile(r"(\d{12})-\w+\.json")


def numbers_of(files: LeaseFiles, table: str) -> dict[str, int]:
    """The numbers of the table's lease files, by name."""
    matches = {name: _NAME.fullmatch(name) for name in files.names(table)}
    return {name: int(match[1]) for name, match in matches.items() if match}


@dataclass(frozen=True)
class Seen:
    """What a look at a table's lease found. number: the highest one; 0: there was no holder yet.

    reason: why a lease that was not released is free.
    """

    table: str
    number: int
    is_free: bool
    holder: Holder | None = None
    reason: str = ""

    def __str__(self) -> str:
        if self.holder is None:
            return f"{self.table}: another run holds its lease"
        return f"{self.table}: {self.holder} has held its lease since {self.holder.since}"


class Watch:
    """Looks at leases again and again, and measures for how long each file has not changed."""

    def __init__(self, files: LeaseFiles, lease_seconds: float) -> None:
        self.files, self.lease_seconds = files, lease_seconds
        self._last: dict[str, str] = {}
        self._looked_at: dict[str, float] = {}
        self._silence: dict[str, float] = {}

    def look(self, table: str) -> Seen:
        """Who holds the table's lease now. Of the files, those with the highest number count."""
        numbers = numbers_of(self.files, table)
        number = max(numbers.values(), default=0)
        names = sorted(name for name in numbers if numbers[name] == number)
        # Several: of runs that wrote the same number, and then delete their files.
        seen = [self._look_at(table, name, number) for name in names]
        return min(seen, key=lambda s: s.is_free, default=Seen(table, 0, is_free=True))

    def _look_at(self, table: str, name: str, number: int) -> Seen:
        text = self.files.read(table, name)
        record = record_of(text)
        if record.get("state") == RELEASED:
            return Seen(table, number, is_free=True)
        holder = holder_of(record)
        if holder and holder.is_gone():
            return Seen(table, number, True, holder, reason="whose process has ended")
        # The holder's own setting: its heartbeats follow from it.
        seconds = record.get("lease_seconds", self.lease_seconds)
        if self._silent(f"{table}/{name}", text) >= seconds:
            reason = f"which showed no sign of life for {seconds:g} s"
            return Seen(table, number, True, holder, reason=reason)
        return Seen(table, number, False, holder)

    def _silent(self, path: str, text: str) -> float:
        """For how many seconds this waiter has seen the same text."""
        now = time.monotonic()
        if self._last.get(path) != text:
            self._last[path], self._silence[path] = text, 0.0
        else:
            passed = now - self._looked_at[path]
            self._silence[path] += min(passed, LONGEST_LOOK_SECONDS)
        self._looked_at[path] = now
        return self._silence[path]


def record_of(text: str) -> dict[str, Any]:
    """The content of a lease file. Empty if it is damaged, or was deleted a moment ago."""
    try:
        record = json.loads(text)
    except ValueError:
        return {}
    is_known = isinstance(record, dict) and isinstance(record.get("lease_seconds"), int | float)
    return record if is_known else {}


def holder_of(record: Mapping[str, Any]) -> Holder | None:
    """The holder that a lease file names. None: it names none."""
    names = Holder.__dataclass_fields__
    try:
        return Holder(**{name: record[name] for name in names})
    except KeyError:
        return None
