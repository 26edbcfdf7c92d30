"""Fixtures of the tests of jobs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runtime.lakehouse.session import TIME_ZONE
from tests.jobs.ingest_lake import Company


@pytest.fixture
def company(make_context, tmp_path, spark) -> Iterator[Company]:
    """A company without sources."""
    yield Company(make_context, tmp_path)
    # One session serves all tests. A company may have had a time zone of its own.
    spark.conf.set(TIME_ZONE, "UTC")


@pytest.fixture(scope="session")
def trained(spark, tmp_path_factory):
    """The root of a lake after one training, whose model is the champion. A test that changes it must restore it."""
    from tests.jobs.feature_lake import write_feature_lake
    from tests.jobs.trained_lake import train_and_deploy, training_context

    root = tmp_path_factory.mktemp("trained") / "lakehouse"
    context = training_context(root)
    write_feature_lake(context)
    train_and_deploy(context)
    return root


@pytest.fixture(scope="session")
def fitted(spark, tmp_path_factory):
    """The root of a lake with lifetime fits and scores of two dates, and a retention plan."""
    from pipelines.lifetime import lifetime_fitting
    from pipelines.offers import retention_planning
    from tests.jobs import lifetime_lake as lake

    root = tmp_path_factory.mktemp("lifetime") / "lakehouse"
    lake.write_lifetime_lake(lake.lifetime_context(root))
    lake.write_features(lake.lifetime_context(root))
    for day in (lake.BEFORE, lake.AS_OF):
        context = lake.lifetime_context(root, day)
        lifetime_fitting.run(context)
        lake.write_scores(context, day)
    retention_planning.run(lake.lifetime_context(root))
    return root
