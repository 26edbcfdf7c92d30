"""Settings of REST sources: the shipped examples are valid, and faults are named."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipelines.ingestion.source_checks import check_sources
from runtime import settings as settings_module
from runtime.errors import UsageError

EXAMPLES = sorted((Path(__file__).parents[4] / "conf" / "examples").glob("*.yaml"))


@pytest.fixture
def loaded(tmp_path):
    def load(text):
        (tmp_path / "mine.yaml").write_text(text)
        settings_module.use_conf_dir(str(tmp_path))
        return settings_module.load("mine")

    yield load
    settings_module.use_conf_dir(None)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_an_example_is_a_valid_configuration(loaded, path):
    settings = loaded(path.read_text())
    check_sources(settings)
    assert [n for n, s in settings.sources.items() if s.fetch is not None]


def test_the_examples_are_those_of_the_documentation():
    assert [p.stem for p in EXAMPLES] == ["hubspot", "salesforce", "zendesk"]


def after_file(error):
    """The message without the name of the file, whose folder is pytest's."""
    return str(error).partition("/mine.yaml: ")[2]


VALID = {
    "url": "https://crm.example.com/api",
    "params": {"since": "{cursor}", "page": "{page}"},
    "records": "data",
    "access": {"kind": "bearer", "secret_variable": "CRM_TOKEN"},
    "paging": {"kind": "cursor", "next": "next"},
    "cursor": {"field": "changed", "form": "iso", "start": "2020-01-01", "overlap": 60},
}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"url": "http://crm.example.com/api"},
            "url = 'http://crm.example.com/api': must start with https:// (http:// only on this "
            "machine).",
        ),
        ({"access": {"kind": "bearer"}}, "access: kind bearer needs secret_variable."),
        (
            {"access": {"kind": "oauth2", "secret_variable": "S"}},
            "access: kind oauth2 needs login_url, client_id.",
        ),
        (
            {"paging": {"kind": "cursor"}},
            "paging: kind cursor needs next, the path of the next page.",
        ),
        (
            {"paging": {"kind": "offset"}},
            "paging: kind offset needs page_size, the number of records of a full page.",
        ),
        ({"params": {"page": "{page}"}}, "cursor needs {cursor} in params or body."),
        (
            {"params": {"since": "{cursor}"}},
            "paging.kind cursor needs {page} in params or body.",
        ),
        ({"body": {"a": 1}}, "body needs method: POST."),
    ],
)
def test_a_fault_is_named(loaded, change, text):
    source = {
        **{"table": "customers", "format": "json", "path": "landing/crm"},
        **{"mapping": {"customer_id": "id"}, "fetch": {**VALID, **change}},
    }
    with pytest.raises(UsageError) as caught:
        loaded(yaml.safe_dump({"sources": {"crm": source}}))
    between = "." if text.startswith(("url", "access", "paging:")) else ": "
    assert after_file(caught.value) == f"sources.crm.fetch{between}{text}"


def test_fetch_and_incremental_need_their_formats(loaded):
    source = {"table": "customers", "path": "x", "mapping": {"customer_id": "id"}}
    fetched = {**source, "format": "csv", "fetch": VALID}
    read = {**source, "format": "csv", "incremental": {"cursor": "c", "overlap": 1}}
    for given, text in (
        (fetched, "a source with fetch needs format: json, got csv."),
        (read, "a source with incremental needs format: jdbc, got csv."),
    ):
        with pytest.raises(UsageError) as caught:
            loaded(yaml.safe_dump({"sources": {"crm": given}}))
        assert after_file(caught.value) == f"sources.crm: {text}"
