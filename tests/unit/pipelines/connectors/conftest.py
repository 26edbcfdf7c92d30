"""The shipped HubSpot settings against a local server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipelines.connectors.source_fetch import fetch_all
from runtime import settings as settings_module
from runtime.progress import Progress
from tests.unit.pipelines.connectors.fake_hubspot import FakeHubspot

ROOT = Path(__file__).resolve().parents[4]
TOKEN = "secret-token"


class World:
    """A HubSpot account, the settings that read it, and what arrived."""

    def __init__(self, folder, server):
        self.folder, self.server = folder, server
        conf = yaml.safe_load((ROOT / "conf" / "examples" / "hubspot.yaml").read_text())
        for name, source in conf["sources"].items():
            source["path"] = str(folder / "landing" / name)
            if "fetch" in source:
                source["fetch"]["url"] = source["fetch"]["url"].replace(
                    "https://api.hubapi.com", server.url
                )
                source["fetch"]["requests_per_second"] = 10_000
        conf["fetch"] = {"tries": 3, "first_wait_seconds": 0.01, "longest_wait_seconds": 2}
        self.conf = conf

    def fetch_of(self, source):
        return self.conf["sources"][source]["fetch"]

    def with_page_size(self, size):
        for name in ("hubspot_contacts", "hubspot_tickets"):
            self.fetch_of(name)["body"]["limit"] = size
        self.fetch_of("hubspot_email_events")["params"]["limit"] = str(size)
        return self

    def write(self):
        (self.folder / "conf").mkdir(exist_ok=True)
        (self.folder / "conf" / "mine.yaml").write_text(yaml.safe_dump(self.conf))
        return self.folder / "conf"

    def fetch(self, source="hubspot_contacts"):
        """Run in this process."""
        settings_module.use_conf_dir(str(self.write()))
        try:
            fetch_all(settings_module.load("mine"), Progress(is_quiet=True), source)
        finally:
            settings_module.use_conf_dir(None)

    def killed_at(self, crash_at, source="hubspot_contacts"):
        """Run the command in a process of its own. Returns its exit code and all it printed."""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "jobs.fetch_sources", "--env", "mine"),
                *("--source", source, "--conf-dir", str(self.write())),
            ],
            **{"cwd": ROOT, "text": True, "capture_output": True, "check": False},
            env={**os.environ, "CRASH_AT": crash_at, "PYTHONPATH": str(ROOT)},
        )
        return done.returncode, done.stdout + done.stderr

    def pages(self, source="hubspot_contacts"):
        """The files that ingest would read, in order."""
        return sorted((self.folder / "landing" / source).glob("[!._]*"))

    def landed(self, source="hubspot_contacts"):
        """All records that arrived, in order."""
        return [json.loads(t) for p in self.pages(source) for t in p.read_text().splitlines()]


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setenv("HUBSPOT_TOKEN", TOKEN)
    server = FakeHubspot()
    yield World(tmp_path, server)
    server.close()
