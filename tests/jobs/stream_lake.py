"""A lake whose events arrive as files: the settings, the files and the tables of a stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.unit.pipelines.streams.event_lake import FIELDS, SOURCE, TABLES, event, stored, tables

ROOT = Path(__file__).resolve().parents[2]
__all__ = ["FIELDS", "SOURCE", "TABLES", "EventFolder", "event", "stored", "tables"]
# Runs a command in one process, which a fault point ends without any handler.
PROGRAM = """
import sys
from jobs import stream_events
stream_events.command("small", available_now=True, conf_dir=sys.argv[1])
"""
# Seconds since 1970: 2026-06-01.
FIRST_FILE_AT = 1_780_272_000


class EventFolder:
    """A folder of events and a lake beside it, with a conf folder for other processes."""

    def __init__(self, folder: Path, source: dict | None = None, **stream) -> None:
        self.folder, self.root = folder, folder / "lake"
        self.events = folder / "events"
        self.events.mkdir(parents=True)
        self.source = {**SOURCE, "path": str(self.events), **(source or {})}
        self.stream = {"rules": [], "files_a_batch": 1, "restart_seconds": 0.1, **stream}
        self.written = 0

    def overrides(self):
        """Settings for make_context."""
        return {"sources": {"live": self.source}, "stream": self.stream}

    def write(self, events):
        """A file of events, which appears at once. A text is a line as it is.

        Spark reads files in the order of their times, which are a second apart.
        """
        lines = [e if isinstance(e, str) else json.dumps(e) for e in events]
        draft = self.folder / "draft"
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
        os.utime(draft, (FIRST_FILE_AT + self.written,) * 2)
        draft.rename(self.events / f"events-{self.written:05d}.json")
        self.written += 1

    @property
    def checkpoint(self):
        return self.root / "checkpoints" / "live"

    @property
    def conf(self) -> Path:
        """A conf folder with the environment `small`."""
        conf = self.folder / "conf"
        conf.mkdir(exist_ok=True)
        values = {"lakehouse": {"root": str(self.root)}, **self.overrides()}
        (conf / "small.yaml").write_text(json.dumps(values))
        return conf

    def process(self, crash_at=""):
        """Start stream_events --available-now in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self.conf)],
            cwd=ROOT,
            env={**os.environ, "CRASH_AT": crash_at, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, crash_at=""):
        """Exit code and output of stream_events --available-now in a process of its own."""
        process = self.process(crash_at)
        output, _ = process.communicate(timeout=900)
        return process.returncode, output
