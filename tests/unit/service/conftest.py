"""The company, a Redis and the running service, for the tests of this folder."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from service.filling import fill
from tests.unit.service import company, servers


@pytest.fixture(scope="session")
def champion():
    return company.portable()


@pytest.fixture(scope="session")
def lake(tmp_path_factory):
    """A lake with two days. Nobody changes it but the log."""
    root = tmp_path_factory.mktemp("lake")
    company.write_lake(root, company.EARLIER)
    company.write_lake(root)
    return root


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    server = servers.RedisServer(servers.free_port(), tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis(redis_server):
    """The Redis of the session, empty."""
    redis_server.client.flushall()
    redis_server.client.config_resetstat()
    return redis_server


@pytest.fixture
def registry(champion):
    known = company.FakeRegistry()
    known.set("champion", "1", champion)
    return known


@pytest.fixture
def service(lake, redis, registry):
    """The running service with a filled online store."""
    settings = company.settings_of(lake, redis.url)
    fill(settings)
    with servers.running(settings, registry) as running:
        yield running


@pytest.fixture
def offline(lake, registry):
    """The running service without Redis."""
    with servers.running(company.settings_of(lake, None), registry) as running:
        yield running


@pytest.fixture
def own_lake(tmp_path, champion):
    """A folder for the service in a process of its own."""
    company.write_lake(tmp_path / "lake")
    (tmp_path / "portable.json").write_text(champion.to_json())
    return SimpleNamespace(folder=tmp_path, root=tmp_path / "lake")
