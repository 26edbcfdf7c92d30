"""All commands of the walk-throughs, in the order of the page."""

from __future__ import annotations

import shutil

import pytest

from tests.walkthroughs import PAGES, ROOT, run, steps

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_a_page_runs(page, tmp_path):
    conf = tmp_path / "conf"
    shutil.copytree(ROOT / "conf", conf, ignore=shutil.ignore_patterns("__pycache__"))
    for step in steps(page):
        if step.mark == "set-up":
            continue
        done = run(step, tmp_path, conf)
        assert done.returncode == 0, done.stderr[-3000:]
    assert [*tmp_path.glob("lakehouse*/report.html")]
