"""Fixtures of the jobs' tests."""

from __future__ import annotations

import pytest

from tests.jobs.ingest_lake import Company


@pytest.fixture
def company(make_context, tmp_path) -> Company:
    """A company without a source yet."""
    return Company(make_context, tmp_path)
