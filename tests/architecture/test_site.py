"""The documentation site: its pages, its links, and the commands and queries that pages show.

Nothing is built here: `make site` does that, and fails at a dead link.
"""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import yaml
from deltalake import write_deltalake

import jobs
from contracts import catalog
from docs.site_links import OUTSIDE, anchor, with_links_of_site
from runtime.commands import job_command, job_summaries
from runtime.lakehouse.arrow_types import arrow_schema

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md"))
WITH_COMMANDS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("notebooks/*.py")]
# A command line: `bin/holdfast NAME ...` or `holdfast NAME ...`, also over several lines.
COMMAND = re.compile(r"(?<![\w/.-])(?:bin/)?holdfast ([a-z][a-z_-]+)((?:[^\n`\\]|\\\n)*)")


class Loader(yaml.SafeLoader):
    """YAML with mkdocs' tags, whose values are not needed here."""


Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)
SITE = yaml.load((ROOT / "mkdocs.yml").read_text(), Loader)


def nav_pages(entry: object) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:
        for child in entry.values() if isinstance(entry, dict) else entry:
            yield from nav_pages(child)


def test_every_page_is_in_the_navigation_once_and_every_entry_exists():
    listed = Counter(nav_pages(SITE["nav"]))

    assert sorted(listed) == sorted([*PAGES, *OUTSIDE])
    assert [page for page, times in listed.items() if times > 1] == []
    assert [path for path in OUTSIDE if not (ROOT / path).is_file()] == []


def test_the_site_needs_no_other_host_and_fails_at_a_dead_link():
    assert "://" not in (ROOT / "mkdocs.yml").read_text()
    assert SITE["theme"]["font"] is False
    assert SITE["plugins"] == ["search"]  # `offline` loads a script from a CDN
    assert set(SITE["validation"]["links"].values()) == {"warn"}
    assert "mkdocs build --strict" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize(
    ("page", "link", "expected"),
    [
        ("own_data.md", "[a](deploy.md#bi)", "[a](deploy.md#bi)"),
        ("adr/0019-x.md", "[a](../../benchmarks/RESULTS.md#b)", "[a](../benchmarks/RESULTS.md#b)"),
        ("benchmarks/RESULTS.md", "[a](../docs/limits.md)", "[a](../limits.md)"),
        ("CHANGELOG.md", "([docs/app.md](docs/app.md))", "([docs/app.md](app.md))"),
        ("index.md", "![a](images/report.png)", "![a](images/report.png)"),
        # No page of the site: the path instead of a link.
        ("own_data.md", "[`conf/offers.yaml`](../conf/offers.yaml)", "`conf/offers.yaml`"),
        ("deploy.md", "[the notebooks](../notebooks)", "the notebooks (`notebooks`)"),
        ("layout.md", "[adr](adr)", "adr (`docs/adr`)"),
        ("bi.md", "[a](https://example.com/b.md)", "[a](https://example.com/b.md)"),
    ],
)
def test_a_link_of_the_repository_becomes_one_of_the_site(page, link, expected):
    assert with_links_of_site(f"See {link}.", page) == f"See {expected}."


def test_an_anchor_is_that_of_the_code_host():
    assert anchor("gold.offers: 80 % (view)") == "goldoffers-80--view"
    assert anchor("bronze.<source>") == "bronzesource"  # pymdownx would take <source> for a tag


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    """The options of each command, with --help."""
    return {
        name: {"--help"}
        | {
            option
            for parameter in job_command(importlib.import_module(f"jobs.{name}").command).params
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        for name, _ in job_summaries(jobs)
    }


def wrong_commands(text: str, options: dict[str, set[str]]) -> list[str]:
    """Command lines with a command or an option that does not exist."""
    wrong = []
    for name, arguments in COMMAND.findall(text):
        known = options.get(name.replace("-", "_"))  # a name may be written with hyphens
        given = set(re.findall(r"(?<=\s)--[a-z][a-z-]*", arguments))
        if known is None or given - known:
            wrong.append(f"holdfast {name}{arguments}")
    return wrong


def test_every_command_line_in_the_docs_has_a_command_and_options_that_exist(options):
    wrong = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in WITH_COMMANDS
        for line in wrong_commands(path.read_text(), options)
    ]
    scripts = {
        name
        for path in WITH_COMMANDS
        for name in re.findall(r"(?<![\w/])jobs/([a-z_]+)\.py", path.read_text())
    }

    assert wrong == []
    assert scripts <= options.keys()


def test_every_make_target_in_the_docs_exists():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {
        target
        for path in WITH_COMMANDS
        for target in re.findall(r"`make ([a-z-]+)", path.read_text())
    }

    assert {"demo", "site"} <= named <= targets


def test_a_wrong_command_line_is_found(options):
    text = "`holdfast scores --env a`, `bin/holdfast ingest --as-of 2018-01-01`, `holdfast monitor`"

    assert wrong_commands(text, options) == [
        "holdfast scores --env a",
        "holdfast ingest --as-of 2018-01-01",  # ingest has no --as-of
    ]


def empty_tables() -> dict[str, pa.Table]:
    gold = [t for t in catalog.tables().values() if t.layer == "gold"]
    return {t.name: arrow_schema(t).empty_table() for t in gold}


def test_the_queries_of_the_bi_page_run():
    page = (ROOT / "docs" / "bi.md").read_text()
    queries = re.search(r"## Queries to start with\n\n```sql\n(.*?)```", page, re.DOTALL)[1]
    connection = duckdb.connect()
    for name, rows in empty_tables().items():
        connection.register(name.replace(".", "_"), rows)
    connection.execute((ROOT / "docs" / "latest_views.sql").read_text())

    run = [connection.execute(q) for q in queries.replace("gold.", "gold_").split(";") if q.strip()]

    assert len(run) == 3


def test_the_example_with_delta_rs_reads_the_newest_scores(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "bi.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    folder = tmp_path / "lakehouse" / "gold" / "customer_scores"
    folder.mkdir(parents=True)
    days = pa.array([17_000, 17_001, 17_000], pa.int32()).cast(pa.date32())
    write_deltalake(folder, pa.table({"customer_id": ["a", "b", "c"], "as_of": days}))
    monkeypatch.chdir(tmp_path)
    names: dict = {}

    exec(example, names)

    assert names["frame"]["customer_id"].tolist() == ["b"]
