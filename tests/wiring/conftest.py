"""The small company's lake, built once per test run. No test changes what it holds."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def company(request, tmp_path_factory):
    """The lake after every command has run over it.

    HOLDFAST_WIRING_FOLDER: a folder that `python -m tests.reference.build` made, to look at a
    failing test without another build.
    """
    from tests.wiring import small_company

    if folder := os.environ.get("HOLDFAST_WIRING_FOLDER"):
        return small_company.built(Path(folder))
    request.getfixturevalue("spark")
    made = small_company.build(tmp_path_factory.mktemp("company"))
    keep_output(request, made.folder / small_company.OUTPUT)
    return made


def keep_output(request, path: Path) -> None:
    """Write what the build printed, the JVM's lines included, to a file. Not with `pytest -s`."""
    manager = request.config.pluginmanager.getplugin("capturemanager")
    if manager is not None and manager.is_globally_capturing():
        out, err = manager.read_global_capture()
        path.write_text(out + err)
        # pytest shows it if the test fails.
        sys.stdout.write(out)
        sys.stderr.write(err)


@pytest.fixture(scope="session")
def stored(company):
    """(path, text) of every file of the lakehouse, read once."""
    from tests.wiring.stored_texts import stored_texts

    return list(stored_texts(company.root))


@pytest.fixture(scope="session")
def printed(company):
    """What the commands and the JVM printed."""
    from tests.wiring.small_company import OUTPUT

    path = company.folder / OUTPUT
    if not path.is_file():
        pytest.skip("the output was not captured: run without -s and HOLDFAST_WIRING_FOLDER")
    return path.read_text()


def pytest_collection_modifyitems(items):
    """The first test of the folder waits for the lake: some twenty commands, minutes."""
    for item in items:
        if "tests/wiring/" in item.nodeid:
            item.add_marker(pytest.mark.timeout(1_500))
