"""The small company's lake, built once per test run. No test changes what it holds."""

from __future__ import annotations

import os
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
    return small_company.build(tmp_path_factory.mktemp("company"))
