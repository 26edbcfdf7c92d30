"""The walk-throughs can be followed: their quick commands run, and print what the page shows."""

from __future__ import annotations

import shutil

import pytest

from tests.walkthroughs import PAGES, ROOT, run, steps

MARKS = {"", "set-up", "takes minutes"}


def test_there_is_a_page_for_each_example():
    names = ["complete_journey", "messy_export", "simulated_company"]
    assert [page.stem for page in PAGES] == names
    for page in PAGES:
        assert {step.mark for step in steps(page)} <= MARKS
        assert any("bin/holdfast" in step.command for step in steps(page))


@pytest.mark.duckdb_only
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_quick_commands_of_a_page_run(page, tmp_path):
    conf = tmp_path / "conf"
    shutil.copytree(ROOT / "conf", conf, ignore=shutil.ignore_patterns("__pycache__"))
    for step in steps(page):
        if step.mark:
            continue
        done = run(step, tmp_path, conf)
        assert done.returncode == 0, done.stderr
        printed = done.stdout.splitlines()
        assert [line for line in step.shown if line not in printed] == [], done.stdout
