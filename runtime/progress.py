"""Progress of a job on the screen: step numbers, rows, seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from runtime.lakehouse.writes import Written
from runtime.wording import one_line, shown_lines


class Progress:
    """Prints to standard output, one line per step. Quiet in tests."""

    def __init__(self, is_quiet: bool = False) -> None:
        self.is_quiet, self.steps, self.step_number = is_quiet, 1, 0

    def expect(self, steps: int) -> None:
        self.steps, self.step_number = steps, 0

    def say(self, line: str = "") -> None:
        if not self.is_quiet:
            print(shown_lines(line), flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.step_number += 1
        began = time.monotonic()
        self.say(f"[{self.step_number}/{self.steps}] {name}")
        yield
        self.say(f"      {name} took {time.monotonic() - began:.1f} s")

    def wrote(self, outcomes: Sequence[Written], is_dry: bool) -> None:
        for outcome in outcomes:
            rows = (
                ""
                if outcome.rows is None
                else f"{outcome.rows:>12,} {'row' if outcome.rows == 1 else 'rows'}"
            )
            verb = "would write" if is_dry else "wrote"
            if not outcome.is_changed:
                verb = "unchanged"
            self.say(f"      {verb:<11} {outcome.table:<28}{rows}")

    def warn(self, line: str) -> None:
        print(f"warning: {one_line(line)}", file=sys.stderr, flush=True)
