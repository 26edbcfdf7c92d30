"""Progress of a job on the screen: steps, what runs at the moment, rows, seconds."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from runtime.lakehouse.writes import Written
from runtime.wording import one_line, shown_lines

SILENCE_SECONDS = 8.0  # a line appears after so many seconds without one: below ten in any case


@dataclass
class Part:
    """A part of a step that runs at the moment, such as the trials of a learner.

    of: the number of its items; 0: unknown. done: finished items. detail: the present item.
    """

    name: str
    of: int = 0
    done: int = 0
    detail: str = ""
    began: float = field(default_factory=time.monotonic)

    def next(self, detail: str = "") -> None:
        """The present item is finished; the next one is `detail`."""
        self.done, self.detail = self.done + 1, detail

    def text(self, now: float) -> str:
        """`xgboost, trial 2 of 3, 12 s, about 20 s left`."""
        seconds = now - self.began
        words = [
            f"{self.name} {min(self.done + 1, self.of)} of {self.of}" if self.of else self.name
        ]
        words += [self.detail] if self.detail else []
        words.append(f"{seconds:.0f} s")
        if self.done and self.done < self.of:
            words.append(f"about {seconds / self.done * (self.of - self.done):.0f} s left")
        return ", ".join(words)


class Progress:
    """Prints to standard output, one line per step. Quiet in tests.

    While a step runs, a line appears at least every ten seconds. It names the parts that run.

    tasks: gives Spark's tasks of the running stages as text, or an empty text.
    """

    def __init__(self, is_quiet: bool = False, silence_seconds: float = SILENCE_SECONDS) -> None:
        self.is_quiet, self.steps, self.step_number = is_quiet, 1, 0
        self.silence_seconds = silence_seconds
        self.tasks: Callable[[], str] = str
        self._parts: list[Part] = []
        self._said: set[str] = set()
        self._said_at = time.monotonic()
        self._lock = threading.RLock()

    def expect(self, steps: int) -> None:
        self.steps, self.step_number = steps, 0

    def say(self, line: str = "") -> None:
        with self._lock:
            self._said_at = time.monotonic()
            if not self.is_quiet:
                print(shown_lines(line), flush=True)

    def say_once(self, line: str) -> None:
        """Print a line, unless this run has printed the same line before."""
        with self._lock:
            if line not in self._said:
                self._said.add(line)
                self.say(line)

    @contextmanager
    def part(self, name: str, of: int = 0) -> Iterator[Part]:
        """A part of the present step. Parts may run in parallel threads."""
        part = Part(name, of)
        with self._lock:
            self._parts.append(part)
        try:
            yield part
        finally:
            with self._lock:
                self._parts.remove(part)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.step_number += 1
        began = time.monotonic()
        self.say(f"[{self.step_number}/{self.steps}] {name}")
        ended = threading.Event()
        silence = threading.Thread(target=self._break_silence, args=(name, began, ended))
        silence.daemon = True
        silence.start()
        try:
            yield
        finally:
            ended.set()
            silence.join()
        self.say(f"      {name} took {time.monotonic() - began:.1f} s")

    def _break_silence(self, name: str, began: float, ended: threading.Event) -> None:
        """Print what runs whenever nothing was printed for `silence_seconds`."""
        wait = self.silence_seconds
        while not ended.wait(wait):
            now = time.monotonic()
            wait = self._said_at + self.silence_seconds - now
            if wait <= 0:
                self.say(self.running(name, began))
                wait = self.silence_seconds

    def running(self, name: str, began: float) -> str:
        """The parts that run; without parts the step and its seconds; then Spark's tasks."""
        now = time.monotonic()
        with self._lock:
            texts = [part.text(now) for part in self._parts]
        tasks = self.tasks()
        texts = texts or [f"{name.partition(':')[0]}, {now - began:.0f} s"]
        return "      ... " + "; ".join([*texts, tasks] if tasks else texts)

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
        with self._lock:
            self._said_at = time.monotonic()
            print(f"warning: {one_line(line)}", file=sys.stderr, flush=True)
