"""The section of docs/platforms.md: what it says of a run, and that nobody edits it."""

from __future__ import annotations

from tests.engines import results
from tests.engines.engines import CLASSIC, ENGINES
from tests.engines.results import EQUAL, NOT_RUN, EngineResult, Results
from tests.reference.compare import Compared

REFERENCE = EngineResult("classic", "here", 61.4, {"features.a": EQUAL, "gold.b": EQUAL})
ROWS = {"gold.b": 1200, "features.a": 3}


def with_other(**values):
    other = EngineResult(
        **{"name": "other", "about": "there", "seconds": 5.0, "tables": {}, **values}
    )
    return Results(ROWS, [REFERENCE, other])


def table_of(outcome):
    """The lines of the two tables, without the heads."""
    lines = results.section(outcome).splitlines()
    return [line for line in lines if line.startswith("| ") and "---" not in line]


def test_every_engine_and_every_table_is_a_row():
    outcome = with_other(tables={"features.a": EQUAL})
    assert table_of(outcome) == [
        "| engine | how it is started | seconds |",
        "| classic | here | 61 |",
        "| other | there | 5 |",
        "| table | rows | other |",
        "| features.a | 3 | equal |",
        "| gold.b | 1,200 | - |",
    ]
    assert outcome.is_green


def test_an_engine_that_was_not_run_is_not_equal():
    outcome = with_other(seconds=None, fault=NOT_RUN)
    assert table_of(outcome)[2] == "| other | there | not run |"
    assert table_of(outcome)[4:] == ["| features.a | 3 | not run |", "| gold.b | 1,200 | not run |"]
    assert not outcome.is_green


def test_an_engine_that_failed_or_wrote_no_table_is_not_equal():
    failed = with_other(fault="failed: exit code 1")
    assert table_of(failed)[4] == "| features.a | 3 | failed |"
    assert not failed.is_green
    assert not with_other().is_green


def test_a_table_that_differs_is_shown_with_its_cells():
    compared = Compared("features.a", (3, 3), cells={"x": 2}, example="x: 1 -> 2 at ('a|b',)")
    text = results.outcome(compared)
    assert text == "x: 2 cells\n    x: 1 -> 2 at ('a|b',)"
    outcome = with_other(tables={"features.a": text})
    assert not outcome.is_green
    assert table_of(outcome)[4] == "| features.a | 3 | x: 2 cells; x: 1 -> 2 at ('a\\|b',) |"
    assert results.outcome(Compared("features.a", (3, 3))) == EQUAL


def test_the_section_is_added_once_and_replaced_afterwards():
    page = "# Platforms\n\n## A cluster\n\nText.\n"
    first = results.with_section(page, "## All engines\n\nold\n")
    assert first == f"{page}\n## All engines\n\nold\n"
    assert results.with_section(first, "## All engines\n\nnew\n") == first.replace("old", "new")
    later = f"{first}\n## Serverless\n\nText.\n"
    assert results.with_section(later, "## All engines\n\nnew\n") == later.replace("old", "new")


def test_what_is_stored_is_what_was_saved(tmp_path):
    outcome = with_other(tables={"features.a": EQUAL})
    results.save(outcome, tmp_path / "results.json")
    assert results.load(tmp_path / "results.json") == outcome


def test_the_page_has_the_section_of_the_stored_run_unchanged():
    section = results.section(results.load())
    assert section in results.PAGE.read_text(), "run `make engines`; the section is not edited"


def test_the_stored_run_is_one_of_the_engines_that_there_are():
    assert [e.name for e in results.load().engines] == [e.name for e in ENGINES]
    assert ENGINES[0] is CLASSIC and len({e.name for e in ENGINES}) == len(ENGINES)
