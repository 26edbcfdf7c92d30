"""Redis away, hung, full and back: each has an answer, and the service recovers by itself."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time

import pytest

from runtime.errors import HoldfastError
from service.filling import fill
from service.records import Keys, Record
from service.redis_client import GuardedRedis, StoreUnavailableError
from tests.unit.service import company, servers


@pytest.fixture
def own_redis(tmp_path):
    server = servers.RedisServer(servers.free_port(), tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def guarded(lake, own_redis, registry):
    settings = company.settings_of(lake, own_redis.url)
    fill(settings)
    with servers.running(settings, registry) as running:
        yield running


@pytest.fixture
def impatient(lake, own_redis, registry):
    """With the timeout of conf."""
    settings = company.settings_of(lake, own_redis.url, redis={"timeout_ms": 50})
    fill(settings)
    with servers.running(settings, registry) as running:
        yield running


def ask(service, customer_id="c002"):
    """(cache, probability, seconds) of one answer by id."""
    began = time.perf_counter()
    response = service.predict(customer_id=customer_id)
    seconds = time.perf_counter() - began
    assert response.status_code == 200, response.text
    answer = response.json()
    return answer["cache"], answer["churn_probability"], seconds


def test_a_killed_redis_and_its_return(guarded, own_redis):
    cache, probability, _ = ask(guarded)
    own_redis.stop()
    away = [ask(guarded) for _ in range(5)]
    unknown = guarded.predict(customer_id="nobody").status_code
    ready = guarded.http.get("/health/ready").json()

    assert cache == "miss"
    assert [a[:2] for a in away] == [("unavailable", probability)] * 5
    assert (unknown, ready["status"], ready["redis"]) == (404, "ok", "unavailable")
    own_redis.start()
    fill(guarded.made.settings)
    servers.until(lambda: ask(guarded)[0] in ("miss", "hit"))
    assert ask(guarded)[1] == probability


def test_an_empty_redis_is_not_a_company_without_customers(guarded, own_redis):
    own_redis.client.flushall()

    assert ask(guarded)[0] == "unavailable"


def test_a_stopped_redis_delays_two_requests_by_the_timeout(impatient, own_redis):
    """SIGSTOP: connections stay open and nothing answers. Then the circuit breaker skips Redis."""
    _, probability, _ = ask(impatient)
    own_redis.send(signal.SIGSTOP)
    answers = [ask(impatient, "c002") for _ in range(6)]
    failures = impatient.made.redis.failures
    own_redis.send(signal.SIGCONT)

    assert [a[:2] for a in answers] == [("unavailable", probability)] * 6
    assert 2 <= failures <= 3  # two at once, then one per retry_seconds
    assert impatient.made.redis.settings.timeout_ms == 50
    servers.until(lambda: ask(impatient)[0] in ("miss", "hit"))


def test_one_timeout_does_not_skip_redis(lake):
    """The clock stands still: a breaker that had opened would stay open."""
    conf = company.settings_of(lake, "redis://127.0.0.1:1/0").service.redis
    first, second = (GuardedRedis(conf, clock=lambda: 0.0) for _ in range(2))

    async def late(client):
        raise TimeoutError

    async def refused(client):
        raise ConnectionRefusedError

    async def fine(client):
        return "value"

    async def after(guarded, *commands):
        for command in commands:
            with contextlib.suppress(StoreUnavailableError):
                await guarded.call(command)
        return guarded.is_open

    assert not asyncio.run(after(first, late, fine, late))
    assert asyncio.run(after(first, late))
    assert first.failures == 3
    assert asyncio.run(after(second, refused))


def test_a_full_redis_answers_and_the_job_says_what_to_do(guarded, own_redis):
    _, probability, _ = ask(guarded)
    own_redis.client.config_set("maxmemory", "1mb")
    own_redis.client.config_set("maxmemory-policy", "noeviction")

    assert ask(guarded, "c002")[1] == probability
    assert ask(guarded, "c005")[0] == "miss"
    time.sleep(0.3)  # the answer is not kept, and nothing breaks
    assert ask(guarded, "c005")[0] == "miss"
    with pytest.raises(HoldfastError) as caught:
        fill(guarded.made.settings)
    assert str(caught.value) == (
        f"{own_redis.url}: Redis refused the records (OutOfMemoryError). Give it more memory "
        "(maxmemory)."
    )


def test_the_job_without_redis_says_what_to_do(lake, tmp_path):
    url = f"redis://127.0.0.1:{servers.free_port()}/0"
    with pytest.raises(HoldfastError) as caught:
        fill(company.settings_of(lake, url))
    assert str(caught.value) == (
        f"{url}: Redis does not answer (ConnectionError). Start it, or set service.redis.url."
    )


def test_an_answer_is_cached_and_dropped_when_the_features_change(guarded, own_redis):
    first = ask(guarded)[0]
    servers.until(lambda: ask(guarded)[0] == "hit")
    assert 3_500 < own_redis.client.ttl("holdfast:demo:answer:1.-.0.0:c002") <= 3_600
    key = "holdfast:demo:customer:c002"
    record = Record.parsed(own_redis.client.get(key))
    changed = {**record.features, "recency_days": 300}
    own_redis.client.set(key, Record.of(record.as_of, changed, {}, source="delta").value())

    assert first == "miss"
    assert ask(guarded)[0] == "miss"


def test_keys_of_another_type_fail_no_request(guarded, own_redis):
    """Lists where the cached answer and the time of filling were: the answer is computed again."""
    _, probability, _ = ask(guarded)
    servers.until(lambda: ask(guarded)[0] == "hit")
    for key in ("holdfast:demo:answer:1.-.0.0:c002", Keys("demo").filled):
        own_redis.client.delete(key)
        own_redis.client.rpush(key, "no answer")

    assert ask(guarded)[:2] == ("miss", probability)
    servers.until(lambda: ask(guarded)[0] == "hit")
    assert ask(guarded)[1] == probability
    assert not guarded.made.redis.is_open


def test_a_table_rewritten_while_it_is_read(tmp_path, registry):
    """The files that the service has opened are deleted: it opens the table again."""
    from deltalake import DeltaTable

    company.write_lake(tmp_path)
    with servers.running(company.settings_of(tmp_path, None), registry) as service:
        before = ask(service)
        for name in ("behavior", "demographics", "transactions"):
            table = DeltaTable(tmp_path / "features" / name)
            table.optimize.z_order(["customer_id"])
            table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
        assert ask(service)[:2] == before[:2]


def test_a_lake_without_features(tmp_path, registry):
    with servers.running(company.settings_of(tmp_path, None), registry) as service:
        response = service.predict(customer_id="c002")

    assert response.status_code == 503
    assert response.json()["detail"] == (
        f"features.behavior: does not exist in {tmp_path.name}. Run `holdfast build_features --env "
        "demo` first."
    )
