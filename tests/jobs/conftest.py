"""Fixtures of the jobs' tests."""

from __future__ import annotations

import pytest

from tests.jobs.ingest_lake import Company


@pytest.fixture
def company(make_context, tmp_path) -> Company:
    """A company without a source yet."""
    return Company(make_context, tmp_path)


@pytest.fixture(scope="session")
def trained(spark, tmp_path_factory):
    """The root of a lake after one training; a test that changes it puts it back."""
    from jobs import train_churn
    from tests.jobs.feature_lake import write_feature_lake
    from tests.jobs.trained_lake import training_context

    root = tmp_path_factory.mktemp("trained") / "lakehouse"
    context = training_context(root)
    write_feature_lake(context)
    train_churn.run(context)
    return root
