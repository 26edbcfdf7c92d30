"""Fetches from a server with HubSpot's rules: each record arrives once, and nothing is left out."""

from __future__ import annotations

import pytest

from runtime.errors import BusyError, SourceError, UsageError
from tests.unit.pipelines.connectors.fake_hubspot import NOW, RATE, contact

HOUR = 3_600_000
NOW_MS = NOW * 1000
# The overlap of contacts in conf/examples/hubspot.yaml: 15 minutes.
OVERLAP = 900_000


def ids(records):
    return [int(r["id"]) for r in records]


def contacts(count, first=0, start=NOW_MS - 10 * HOUR, step=1000):
    return [contact(first + n, start + n * step) for n in range(count)]


def test_all_pages_arrive_and_a_second_run_adds_nothing(world):
    world.with_page_size(10)
    world.server.objects["contacts"] = contacts(25)
    world.fetch()
    assert ids(world.landed()) == list(range(25))
    # Each page starts at the last contact of the one before: 10, then 9 new ones, then 6.
    assert [len(p.read_text().splitlines()) for p in world.pages()] == [10, 9, 6]
    world.fetch()
    assert ids(world.landed()) == list(range(25))
    assert len(world.pages()) == 3


def test_a_run_asks_from_the_highest_value_less_the_overlap(world):
    world.server.objects["contacts"] = contacts(3)
    world.fetch()
    world.server.heard.clear()
    world.fetch()
    ((_, _, body),) = world.server.heard
    highest = NOW_MS - 10 * HOUR + 2 * 1000
    assert body["filterGroups"][0]["filters"][0]["value"] == str(highest - OVERLAP)


def test_a_changed_contact_and_one_that_arrives_late_are_read(world):
    world.server.objects["contacts"] = contacts(3)
    world.fetch()
    highest = NOW_MS - 10 * HOUR + 2 * 1000
    changed = contact(1, highest + 5000, firstname="Ada")
    late = contact(7, highest - OVERLAP)
    world.server.objects["contacts"] = [*contacts(1), changed, late]
    world.fetch()
    assert ids(world.landed()) == [0, 1, 2, 7, 1]
    assert world.landed()[-1] == changed


def test_a_contact_of_a_clock_that_is_fast_does_not_hide_later_changes(world):
    """One contact is dated a day after the server's own clock, a second one changes an hour later."""
    future = contact(5, NOW_MS + 24 * HOUR)
    world.server.objects["contacts"] = [*contacts(2), future]
    world.fetch()
    world.server.objects["contacts"].append(contact(6, NOW_MS + HOUR))
    world.fetch()
    world.fetch()
    assert ids(world.landed()) == [0, 1, 5, 6]


def test_more_contacts_than_a_search_gives_arrive_completely(world):
    world.with_page_size(1000)
    world.server.objects["contacts"] = contacts(12_500)
    world.fetch()
    assert ids(world.landed()) == list(range(12_500))


def test_a_contact_that_changes_while_its_page_is_read_hides_no_other(world):
    """With offsets, contact 10 would move to place 9 and be skipped."""
    world.with_page_size(10)
    world.server.objects["contacts"] = contacts(30)

    def change(number, path):
        if number == 2:
            world.server.objects["contacts"][4] = contact(4, NOW_MS - HOUR)

    world.server.behave = change
    world.fetch()
    assert sorted(ids(world.landed())) == sorted([*range(30), 4])


def test_contacts_of_one_import_with_equal_times_are_all_read(world):
    world.with_page_size(10)
    world.server.objects["contacts"] = contacts(35, step=0)
    world.fetch()
    assert ids(world.landed()) == list(range(35))


def test_email_events_come_newest_first_and_arrive_once(world):
    world.with_page_size(4)
    events = [{"id": f"e{n}", "type": "OPEN", "created": NOW_MS - n * HOUR} for n in range(10)]
    world.server.events = events[5:]
    world.fetch("hubspot_email_events")
    world.server.events = events
    world.fetch("hubspot_email_events")
    assert [e["id"] for e in world.landed("hubspot_email_events")] == [
        *("e5", "e6", "e7", "e8", "e9"),
        *("e0", "e1", "e2", "e3", "e4"),
    ]


def test_a_rate_limit_is_waited_for(world):
    world.server.objects["contacts"] = contacts(3)
    world.server.behave = lambda number, path: (
        (429, {"Retry-After": "1"}, RATE) if number == 1 else None
    )
    world.fetch()
    assert ids(world.landed()) == [0, 1, 2]
    assert len(world.server.heard) == 2


def url_of(world):
    return f"source hubspot_contacts: {world.server.url}/crm/v3/objects/contacts/search"


def error_of(world, kind=SourceError):
    with pytest.raises(kind) as caught:
        world.fetch()
    return str(caught.value)


SAFE = "Nothing was lost: the next fetch_sources continues here."


def test_a_wait_that_is_too_long_ends_the_run(world):
    world.server.behave = lambda number, path: (
        429,
        {"Retry-After": "7200"},
        {**RATE, "policyName": "DAILY"},
    )
    assert error_of(world) == (
        f"{url_of(world)} answers 429 (DAILY) and asks to wait 7,200 s, longer than "
        f"fetch.longest_wait_seconds (2). {SAFE} Run it after that time."
    )
    assert len(world.server.heard) == 1


def test_an_api_that_answers_html_is_tried_again_and_then_named(world):
    world.server.objects["contacts"] = contacts(25)
    world.with_page_size(10)
    page = b"<!doctype html><p>We will be back soon, dear Ada.</p>"
    world.server.behave = lambda number, path: (
        (200, {"Content-Type": "text/html"}, page) if number > 1 else None
    )
    assert error_of(world) == (
        f"{url_of(world)} answers HTML instead of JSON (status 200), also at try 3 (fetch.tries). "
        f"{SAFE} Check the service and sources.hubspot_contacts.fetch, then run it again."
    )
    world.server.behave = lambda number, path: None
    world.fetch()
    assert ids(world.landed()) == list(range(25))


def test_an_expired_token_is_replaced_in_the_middle_of_a_run(world, monkeypatch):
    monkeypatch.setenv("HUBSPOT_CLIENT_SECRET", "secret-of-client")
    monkeypatch.setenv("HUBSPOT_REFRESH_TOKEN", "secret-refresh\n")
    world.with_page_size(10)
    world.fetch_of("hubspot_contacts")["access"] = {
        **{"kind": "oauth2", "login_url": f"{world.server.url}/oauth/v1/token", "client_id": "app"},
        "secret_variable": "HUBSPOT_CLIENT_SECRET",
        "refresh_token_variable": "HUBSPOT_REFRESH_TOKEN",
    }
    world.server.new_tokens = ["first", "second"]
    world.server.objects["contacts"] = contacts(25)

    def expire(number, path):
        if number == 2:
            world.server.tokens = set()

    world.server.behave = expire
    world.fetch()
    assert ids(world.landed()) == list(range(25))
    assert world.server.forms == 2 * [
        {
            **{"grant_type": "refresh_token", "client_id": "app"},
            **{"client_secret": "secret-of-client", "refresh_token": "secret-refresh"},
        }
    ]


def test_a_refused_key_is_named_without_its_value(world):
    world.server.tokens = {"another"}
    text = error_of(world)
    assert text == (
        f"{url_of(world)} answers 401 (EXPIRED_AUTHENTICATION): the key or token is refused. {SAFE} "
        f"Check the variables that sources.hubspot_contacts.fetch.access names."
    )


def test_a_missing_variable_is_named(world, monkeypatch):
    monkeypatch.delenv("HUBSPOT_TOKEN")
    assert error_of(world, UsageError) == (
        "source hubspot_contacts: the environment variable HUBSPOT_TOKEN is not set. "
        "sources.hubspot_contacts.fetch.access names it; set it to the secret."
    )


def test_a_changed_schema_of_the_answer_is_named_and_nothing_is_lost(world):
    world.server.objects["contacts"] = contacts(3)
    world.server.behave = lambda number, path: (200, {}, {"items": [], "total": 3})
    assert error_of(world) == (
        "source hubspot_contacts: the answer has no list of records at results, so its schema has "
        f"changed. Its keys are items, total. {SAFE} Fix sources.hubspot_contacts.fetch.records."
    )
    world.server.behave = lambda number, path: None
    world.fetch()
    assert ids(world.landed()) == [0, 1, 2]


def test_records_without_the_cursor_are_named(world):
    world.server.objects["contacts"] = contacts(2)
    for record in world.server.objects["contacts"]:
        del record["properties"]["lastmodifieddate"]
    world.fetch_of("hubspot_contacts")["cursor"]["start"] = "0"
    assert error_of(world) == (
        "source hubspot_contacts: no record of the answer has a readable "
        "properties.lastmodifieddate, so its schema has changed. Keys of a record are archived, "
        f"createdAt, id, properties, updatedAt. {SAFE} Fix "
        "sources.hubspot_contacts.fetch.cursor.field."
    )
    assert world.landed() == []


def test_a_page_token_that_is_no_longer_valid_starts_the_pass_again(world):
    world.with_page_size(4)
    source = "hubspot_email_events"
    world.server.events = [
        {"id": f"e{n}", "type": "OPEN", "created": NOW_MS - n * HOUR} for n in range(10)
    ]
    world.server.behave = lambda number, path: (503, {}, b"") if number > 1 else None
    with pytest.raises(SourceError):
        world.fetch(source)
    asked = len(world.server.heard)
    world.server.behave = lambda number, path: (400, {}, {}) if number == asked + 1 else None
    world.fetch(source)
    assert [e["id"] for e in world.landed(source)] == [f"e{n}" for n in range(10)]


def test_a_lost_state_reads_all_again_under_new_names(world):
    world.server.objects["contacts"] = contacts(3)
    world.fetch()
    (world.folder / "landing" / "hubspot_contacts" / "_fetch.sqlite").unlink()
    world.fetch()
    assert [p.name for p in world.pages()] == ["page-00000001.json", "page-00000002.json"]
    assert ids(world.landed()) == 2 * [0, 1, 2]


def test_a_damaged_state_is_named(world):
    world.server.objects["contacts"] = contacts(3)
    world.fetch()
    state = world.folder / "landing" / "hubspot_contacts" / "_fetch.sqlite"
    state.write_bytes(b"x" * 5000)
    assert error_of(world) == (
        f"source hubspot_contacts: {state} is damaged. Remove it: the next fetch_sources reads all "
        f"records again, and ingest drops those that it has, by their key."
    )


def test_two_runs_at_once_do_not_share_a_folder(world):
    from pipelines.connectors.landing import Landing

    folder = world.folder / "landing" / "hubspot_contacts"
    held = Landing("hubspot_contacts", folder)
    assert error_of(world, BusyError) == (
        f"source hubspot_contacts: another fetch_sources uses {folder}. Start again when it has "
        f"ended."
    )
    held.close()


def test_after_an_interrupted_pass_newer_events_are_read_too(world):
    """The pass that was interrupted goes on with older events; a second one reads the newer ones."""
    source = "hubspot_email_events"
    world.with_page_size(4)
    events = [{"id": f"e{n}", "type": "OPEN", "created": NOW_MS - n * HOUR} for n in range(8)]
    world.server.events = events[2:]
    assert world.killed_at("before_request:2", source)[0] == 137
    world.server.events = events
    # The opaque offset of HubSpot names a place in the log, which newer events do not move.
    world.server.shift = 2
    world.fetch(source)
    assert sorted(e["id"] for e in world.landed(source)) == [f"e{n}" for n in range(8)]


POINTS = ("before_request", "page_written", "state_committed", "page_named", "pass_ended")


@pytest.mark.parametrize("source", ["hubspot_contacts", "hubspot_email_events"])
@pytest.mark.parametrize("point", POINTS)
def test_after_a_kill_no_record_is_lost_or_repeated(world, point, source):
    world.with_page_size(10)
    world.server.objects["contacts"] = contacts(25)
    world.server.events = [
        {"id": str(n), "type": "OPEN", "created": NOW_MS - n * HOUR} for n in range(25)
    ]
    turn = 1 if point == "pass_ended" else 2
    assert world.killed_at(f"{point}:{turn}", source)[0] == 137
    partial = len(world.landed(source))
    assert (partial == 25) == (point == "pass_ended")
    world.fetch(source)
    assert ids(world.landed(source)) == list(range(25))
    world.fetch(source)
    assert ids(world.landed(source)) == list(range(25))


def test_the_command_tells_what_it_did_and_shows_no_secret(world):
    world.server.objects["contacts"] = contacts(3)
    assert world.killed_at("") == (
        0,
        "      hubspot_contacts: 3 new records on 1 page\n",
    )
    assert world.killed_at("") == (
        0,
        "      hubspot_contacts: 0 new records on 0 pages, 3 records again\n",
    )
    world.server.tokens = set()
    code, text = world.killed_at("")
    assert code == 1 and "secret-token" not in text
    for path in world.folder.rglob("*"):
        assert path.is_dir() or b"secret-token" not in path.read_bytes()


def test_an_answer_that_is_too_large_is_not_read(world):
    world.conf["fetch"]["max_page_bytes"] = 1000
    world.server.objects["contacts"] = contacts(25)
    assert error_of(world) == (
        f"{url_of(world)} answers with more than 1,000 bytes (fetch.max_page_bytes). {SAFE} Ask for "
        f"fewer records per page, or raise the limit."
    )


def test_a_source_that_fails_does_not_stop_the_others(world):
    world.server.objects["contacts"] = contacts(2)
    world.server.behave = lambda number, path: (404, {}, {}) if "tickets" in path else None
    with pytest.raises(SourceError) as caught:
        world.fetch(None)
    assert str(caught.value) == (
        f"source hubspot_tickets: {world.server.url}/crm/v3/objects/tickets/search answers 404. "
        f"{SAFE} Fix sources.hubspot_tickets.fetch."
    )
    assert ids(world.landed()) == [0, 1]


def test_a_source_that_cannot_be_fetched_is_named(world):
    with pytest.raises(UsageError) as caught:
        world.fetch("purchases")
    assert str(caught.value) == (
        "--source purchases: must be a source with a section fetch. Such sources are: "
        "hubspot_contacts, hubspot_email_events, hubspot_tickets."
    )
    world.conf["sources"]["hubspot_contacts"]["path"] = "s3a://lake/landing"
    assert error_of(world, UsageError) == (
        "conf/mine.yaml: sources.hubspot_contacts.path = 's3a://lake/landing': fetch_sources writes "
        "to it, so it must be a folder of this machine. Set a folder, such as "
        "landing/hubspot_contacts."
    )
