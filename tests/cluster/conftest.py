"""A cluster and the package, shared by the tests of this folder."""

from __future__ import annotations

import pytest

from tests.cluster.standalone import built_package, standalone


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """The .zip for --py-files."""
    return built_package(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A cluster of two workers, whose Python has the packages and not the project."""
    with standalone(tmp_path_factory.mktemp("cluster")) as running:
        yield running
