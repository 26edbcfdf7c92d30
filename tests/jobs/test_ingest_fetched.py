"""From HubSpot's API to silver: what fetch_sources stored is loaded with the shipped mapping."""

from __future__ import annotations

import hashlib

import pytest

from tests.jobs.ingest_lake import HEADER, TRANSACTIONS
from tests.unit.pipelines.connectors.conftest import TOKEN, World
from tests.unit.pipelines.connectors.fake_hubspot import NOW, FakeHubspot, contact, iso

HOUR, NOW_MS = 3_600_000, NOW * 1000
FETCHED = ("hubspot_contacts", "hubspot_tickets", "hubspot_email_events")


def person(address):
    return hashlib.sha256(address.encode()).hexdigest()


@pytest.fixture
def world(tmp_path, company, monkeypatch):
    monkeypatch.setenv("HUBSPOT_TOKEN", TOKEN)
    server = FakeHubspot()
    made = World(tmp_path, server)
    company.sources = {name: made.conf["sources"][name] for name in FETCHED}
    company.source("purchases", TRANSACTIONS)
    company.file("purchases/none.csv", HEADER)
    yield made
    server.close()


def ticket(number, **properties):
    return {
        "id": str(number),
        "properties": {
            "subject": "Late",
            "content": "It never came.",
            "createdate": iso(NOW_MS - 30 * HOUR),
            "hs_lastmodifieddate": iso(NOW_MS - 20 * HOUR),
            "hs_ticket_category": "PRODUCT_ISSUE",
            "hs_all_associated_contact_emails": "Ada@Mail.example;ben@mail.example",
            **properties,
        },
    }


def test_contacts_tickets_and_events_reach_silver_once(world, company):
    server = world.server
    server.objects["contacts"] = [
        contact(
            1, NOW_MS - 9 * HOUR, email="Ada@Mail.example", firstname="Ada", hs_language="de-at"
        ),
        contact(2, NOW_MS - 8 * HOUR, email=None),
    ]
    server.objects["tickets"] = [ticket(70)]
    server.events = [
        {"id": "e1", "type": "OPEN", "created": NOW_MS - 5 * HOUR, "recipient": "ada@mail.example"},
        {"id": "e2", "type": "BOUNCE", "created": NOW_MS - HOUR, "recipient": "ada@mail.example"},
    ]
    # Before the first fetch: a warning per source, and the purchases are loaded.
    company.ingest("2026-01-10")
    assert company.said.warnings[:3] == [
        f"{name}: no record has arrived in {world.folder}/landing/{name}. Run fetch_sources first."
        for name in FETCHED
    ]
    for name in FETCHED:
        world.fetch(name)
    company.ingest("2026-01-11")
    ada = person("ada@mail.example")
    assert company.rows("silver.customers", "customer_id", "first_name", "language") == [
        (ada, "Ada", "de")
    ]
    columns = ("ticket_id", "customer_id", "category", "text")
    assert company.rows("silver.support_tickets", *columns) == [
        ("70", ada, "product_issue", "Late It never came.")
    ]
    events = company.frame("silver.engagement_events").selectExpr(
        "event_id", "customer_id", "kind", "unix_millis(occurred_at) AS at"
    )
    assert [tuple(row) for row in events.collect()] == [
        ("e1", ada, "email_opened", NOW_MS - 5 * HOUR)
    ]


@pytest.mark.xfail(
    strict=True,
    reason="silver.support_tickets keeps the first version of a ticket; a changed one is quarantined",
)
def test_a_ticket_that_was_solved_later_has_its_date(world, company):
    world.server.objects["tickets"] = [ticket(70)]
    world.fetch("hubspot_tickets")
    company.sources = {n: company.sources[n] for n in ("purchases", "hubspot_tickets")}
    company.ingest("2026-01-11")
    solved = ticket(70, closed_date=iso(NOW_MS), hs_lastmodifieddate=iso(NOW_MS - 1000))
    world.server.objects["tickets"] = [solved]
    world.fetch("hubspot_tickets")
    company.ingest("2026-01-12")
    (row,) = (
        company.frame("silver.support_tickets")
        .selectExpr("unix_millis(resolved_at) AS at")
        .collect()
    )
    assert row["at"] == NOW_MS
    assert company.frame("silver.quarantine").count() == 0


def test_a_property_that_the_api_no_longer_has_quarantines_its_rows(world, company):
    """An event without recipient, a column that the mapping needs, is kept to be replayed."""
    world.server.events = [
        {"id": f"e{n}", "type": "OPEN", "created": NOW_MS - n * HOUR, "recipient": "a@b.example"}
        for n in range(40)
    ]
    world.fetch("hubspot_email_events")
    company.sources = {n: company.sources[n] for n in ("purchases", "hubspot_email_events")}
    company.ingest("2026-01-10")
    world.server.events.append({"id": "e90", "type": "OPEN", "created": NOW_MS - 1, "email": "x"})
    world.fetch("hubspot_email_events")
    company.ingest("2026-01-11", ingest={"max_quarantined_share": 1.0})
    assert company.frame("silver.engagement_events").count() == 40
    (warning,) = [w for w in company.said.warnings if "quarantined as a file" in w]
    assert warning.startswith(
        "hubspot_email_events: page-00000002.json is quarantined as a file (columns): it has no "
        "column recipient, which mapping.customer_id uses."
    )
