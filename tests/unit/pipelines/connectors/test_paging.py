"""How pages follow each other, without a server: each test is the API itself."""

from __future__ import annotations

import json

import pytest

from pipelines.connectors.landing import Landing
from pipelines.connectors.rest_client import Answer
from pipelines.connectors.source_fetch import SourceFetch
from runtime.errors import SourceError
from runtime.progress import Progress
from runtime.settings.fetch import FetchSettings

URL = "https://api.example.com/v2/tickets"
SAFE = "Nothing was lost: the next fetch_sources continues here."


@pytest.fixture
def fetched(tmp_path):
    """A function: settings and an API (request -> content) -> ids of the records that arrived."""

    def run(api, **settings):
        requests = []

        def ask(request):
            requests.append(request)
            return Answer(api(request), 2_000_000_000.0)

        conf = FetchSettings(
            **{"url": URL, "records": "rows", "access": {"kind": "none"}, **settings}
        )
        landing = Landing("crm", tmp_path)
        try:
            SourceFetch("crm", conf, landing, ask=ask).fetch(Progress(is_quiet=True))
        finally:
            landing.close()
        pages = sorted(tmp_path.glob("page-*.json"))
        lines = [line for page in pages for line in page.read_text().splitlines()]
        return [json.loads(line)["id"] for line in lines], requests

    return run


def rows(*ids, **more):
    return {"rows": [{"id": n} for n in ids], **more}


def test_an_offset_counts_the_records_until_a_page_is_not_full(fetched):
    answers = {None: rows(0, 1), "2": rows(2, 3), "4": rows(4)}
    ids, requests = fetched(
        lambda request: answers[(request.params or {}).get("skip")],
        params={"skip": "{page}"},
        paging={"kind": "offset", "page_size": 2},
    )
    assert ids == [0, 1, 2, 3, 4]
    assert [r.params for r in requests] == [None, {"skip": "2"}, {"skip": "4"}]


def test_a_link_is_followed_without_params_until_the_last_page(fetched):
    link = "/v2/tickets?cursor=b"
    ids, requests = fetched(
        lambda request: (
            rows(1, after=link, end=True) if request.url.endswith("b") else rows(0, after=link)
        ),
        params={"start": "{cursor}"},
        paging={"kind": "link", "next": "after", "last": "end"},
        cursor={"field": "id", "form": "number", "start": 0, "overlap": 0},
    )
    assert ids == [0, 1]
    assert [(r.url, r.params) for r in requests] == [
        (URL, {"start": "0"}),
        ("https://api.example.com/v2/tickets?cursor=b", None),
    ]


def test_a_link_to_another_host_does_not_get_the_key(fetched):
    with pytest.raises(SourceError) as caught:
        fetched(
            lambda request: rows(0, after="https://evil.example.com/?k=1"),
            paging={"kind": "link", "next": "after"},
        )
    assert str(caught.value) == (
        "source crm: the next page is at https://evil.example.com, another host than "
        f"api.example.com, which must not get the key. {SAFE} Fix sources.crm.fetch.url."
    )


def test_a_page_that_names_itself_as_the_next_one_ends_the_run(fetched):
    with pytest.raises(SourceError) as caught:
        fetched(
            lambda request: rows(0, after="a"),
            params={"page": "{page}"},
            paging={"kind": "cursor", "next": "after"},
        )
    assert str(caught.value) == (
        "source crm: the answer names its own page as the next one. "
        f"{SAFE} Fix sources.crm.fetch.paging."
    )


def test_without_a_cursor_each_run_reads_all_and_stores_what_is_new(fetched):
    content = {"rows": [{"id": 0}, {"id": 1}]}
    settings = {"records": "rows", "paging": {"kind": "none"}}
    fetched(lambda request: content, **settings)
    content["rows"] = [{"id": 1}, {"id": 1, "name": "new"}, {"id": 2}, {"id": 2}]
    assert fetched(lambda request: content, **settings)[0] == [0, 1, 1, 2]


def test_an_answer_may_be_the_list_itself(fetched):
    assert fetched(lambda request: [{"id": 7}], records=None, paging={"kind": "none"})[0] == [7]


def test_seconds_are_asked_for_as_whole_ones_without_repeats(fetched):
    """The overlap ends within a second; a record earlier in that second is not stored again."""
    changed = ["1970-01-01T00:00:10.200Z", "1970-01-01T00:00:15.600Z"]
    content = {"rows": [{"id": n, "at": at} for n, at in enumerate(changed)]}
    settings = {
        "params": {"since": "{cursor}"},
        "paging": {"kind": "none"},
        "cursor": {"field": "at", "form": "epoch_s", "start": "0", "overlap": 5},
    }
    fetched(lambda request: content, **settings)
    ids, requests = fetched(lambda request: content, **settings)
    assert ids == [0, 1]
    assert [r.params for r in requests] == [{"since": "10"}]
