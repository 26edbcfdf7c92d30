"""`check` reads what fetch_sources stored with the mapping of conf/examples/hubspot.yaml."""

from __future__ import annotations

import hashlib

import pytest

from pipelines.ingestion.sample_check import run
from runtime import settings as settings_module
from runtime.context import Context
from runtime.run_info import RunInfo
from tests.jobs.ingest_lake import Said
from tests.unit.pipelines.connectors.fake_hubspot import NOW, contact, iso

pytestmark = pytest.mark.duckdb_only
HOUR, NOW_MS = 3_600_000, NOW * 1000


@pytest.fixture
def checked(world):
    """A function that runs `check` and gives what it said."""

    def run_check():
        settings_module.use_conf_dir(str(world.write()))
        try:
            settings = settings_module.load("mine")
        finally:
            settings_module.use_conf_dir(None)
        said = Said()
        run(Context(settings, RunInfo("check"), said, is_dry=True, engine="duckdb"))
        return said

    return run_check


def purchases(world):
    folder = world.folder / "landing" / "purchases"
    folder.mkdir(parents=True)
    line = "ada@mail.example,o1,2025-12-01 10:00:00,12.5"
    (folder / "a.csv").write_text(f"email,order_id,ordered_at,total\n{line}\n")


def test_the_shipped_mapping_reads_all_sources(world, checked):
    world.server.objects["contacts"] = [
        contact(1, NOW_MS - 9 * HOUR, email="Ada@Mail.example", hs_language="de-at"),
        contact(2, NOW_MS - 8 * HOUR, email=None),
    ]
    world.server.objects["tickets"] = [
        {
            "id": "70",
            "properties": {
                "createdate": iso(NOW_MS - 30 * HOUR),
                "hs_lastmodifieddate": iso(NOW_MS - 20 * HOUR),
                "hs_all_associated_contact_emails": "ADA@mail.example;ben@mail.example",
            },
        }
    ]
    world.server.events = [
        {"id": "e1", "type": "OPEN", "created": NOW_MS - 5 * HOUR, "recipient": "ada@mail.example"},
        {"id": "e2", "type": "BOUNCE", "created": NOW_MS - HOUR, "recipient": "ada@mail.example"},
    ]
    world.fetch(None)
    purchases(world)
    said = checked()
    counts = [line for line in said.lines if "rows in =" in line or "row in =" in line]
    end = "0 quarantined + 0 exact duplicates"
    assert counts == [
        f"hubspot_contacts: 1 file, 2 rows in = 1 kept + {end} + 1 left out",
        f"hubspot_email_events: 1 file, 2 rows in = 1 kept + {end} + 1 left out",
        f"hubspot_tickets: 1 file, 1 row in = 1 kept + {end}",
        f"purchases: 1 file, 1 row in = 1 kept + {end}",
    ]
    ada = hashlib.sha256(b"ada@mail.example").hexdigest()[:30]
    assert len([line for line in said.lines if ada in line]) == 4
    assert [line.split()[1:] for line in said.lines if line.startswith(f"{ada}  e1")] == [
        ["e1", "email_opened", "2026-01-09", "19:00:00"]
    ]


def test_before_the_first_fetch_a_source_is_named_and_the_others_are_checked(world, checked):
    purchases(world)
    said = checked()
    assert said.warnings == [
        f"{name}: no record has arrived in {world.folder}/landing/{name}. Run fetch_sources first."
        for name in ("hubspot_contacts", "hubspot_email_events", "hubspot_tickets")
    ]
    assert "1 row in = 1 kept" in " ".join(said.lines)
