"""Named points at which a test kills a job, as a power cut would: no `finally`, no exit handler."""

from __future__ import annotations

import os
from collections import Counter

VARIABLE = "CRASH_AT"
_passed: Counter[str] = Counter()


def fault_point(name: str) -> None:
    """Ends the process with 137 where CRASH_AT is `name`, or `name:n` the n-th time it passes."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    _passed[name] += 1
    place, _, turn = wanted.partition(":")
    if place == name and _passed[name] == int(turn or 1):
        os._exit(137)
