"""API keys and rate limits; what a request without a key sees; what the log tells."""

from __future__ import annotations

import datetime as dt
import hmac
import json

import pytest
import yaml

from runtime.errors import UsageError
from service import security
from service.security import (
    ApiKeys,
    RateLimit,
    checked_name,
    digest_of,
    new_key,
    refuse_open_address,
)
from tests.unit.service import company, servers

KEY, OTHER = "hf_first", "hf_second"


def line(name, key, **more):
    return {"name": name, "sha256": digest_of(key), **more}


@pytest.fixture
def guarded(lake, registry):
    settings = company.settings_of(
        lake, None, api_keys=[line("shop", KEY)], requests_per_second=1, burst=3
    )
    with servers.running(settings, registry) as running:
        yield running


def test_without_a_valid_key_nothing_about_customers_is_told(guarded):
    for headers in ({}, {"x-api-key": OTHER}, {"x-api-key": digest_of(KEY)}, {"x-api-key": ""}):
        for path in ("/customers/c002", "/features/c002", "/model"):
            response = guarded.http.get(path, headers=headers)
            assert response.status_code == 401
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["detail"] == (
                "x-api-key: must be a valid API key. Ask the operator for one."
            )
    assert guarded.http.get("/health/live").status_code == 200
    assert guarded.http.get("/model", headers={"x-api-key": KEY}).status_code == 200


def test_a_client_that_asks_too_often_is_told_when_to_come_back(guarded):
    answers = [guarded.http.get("/model", headers={"x-api-key": KEY}) for _ in range(5)]

    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[-1].json()["detail"] == (
        "more than 1 requests a second. Wait for the seconds in Retry-After."
    )


def test_the_rate_limit_is_a_token_bucket():
    now = [0.0]
    limit = RateLimit(2.0, 2, clock=lambda: now[0])

    assert [limit.wait("a"), limit.wait("a"), limit.wait("a"), limit.wait("b")] == [0, 0, 0.5, 0]
    now[0] = 0.5
    assert [limit.wait("a"), limit.wait("a")] == [0, 0.5]


def keys_of(tmp_path, now, today=dt.date(2026, 1, 1), **service):
    conf = company.settings_of(tmp_path, None, **service).service
    return ApiKeys(conf, today=lambda: today, clock=lambda: now[0])


def test_keys_expire_and_are_replaced_without_a_restart(tmp_path):
    path, now = tmp_path / "keys.yaml", [0.0]
    path.write_text(yaml.safe_dump([line("shop", KEY)]))
    keys = keys_of(tmp_path, now, api_keys_file=str(path))
    assert (keys.name_of(KEY), keys.name_of(OTHER)) == ("shop", None)

    both = [line("shop", KEY, expires_on=dt.date(2026, 1, 1)), line("shop", OTHER)]
    path.write_text(yaml.safe_dump(both))
    assert keys.name_of(OTHER) is None  # the file is looked at once a second
    now[0] = 1.0
    assert (keys.name_of(KEY), keys.name_of(OTHER)) == (None, "shop")
    path.write_text("- {name: shop")  # half written
    now[0] = 2.0
    assert keys.name_of(OTHER) == "shop"


def test_a_file_of_keys_that_cannot_be_read_stops_the_start(tmp_path):
    with pytest.raises(UsageError) as caught:
        keys_of(tmp_path, [0.0], api_keys_file=str(tmp_path / "none.yaml"))
    assert str(caught.value) == (
        f"service.api_keys_file {tmp_path}/none.yaml: cannot be read (FileNotFoundError). It must "
        "be a YAML list of name and sha256, as `holdfast make_api_key` prints."
    )


def test_each_key_is_compared_in_constant_time(tmp_path, monkeypatch):
    """All of them, and the digests by hmac.compare_digest, whether or not an earlier one fits."""
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(
        security.hmac, "compare_digest", lambda a, b: compared.append(a) or real(a, b)
    )
    keys = keys_of(tmp_path, [0.0], api_keys=[line("a", KEY), line("b", OTHER)])

    assert keys.name_of(KEY) == "a"
    assert compared == [digest_of(KEY), digest_of(OTHER)]


def test_an_open_address_needs_keys(tmp_path):
    conf = company.settings_of(tmp_path, None, host="0.0.0.0").service
    with pytest.raises(UsageError) as caught:
        refuse_open_address(conf)
    assert str(caught.value) == (
        "service.host 0.0.0.0: without API keys the service listens on 127.0.0.1 only. Make a key "
        "with `holdfast make_api_key`, and add its line to service.api_keys."
    )
    refuse_open_address(company.settings_of(tmp_path, None, host="::1").service)


def test_a_new_key_fits_its_digest_and_no_other():
    (first, digest), (second, _) = new_key("shop"), new_key("shop")
    assert (digest_of(first), first == second, len(digest)) == (digest, False, 64)
    with pytest.raises(UsageError) as caught:
        checked_name("my shop")
    assert str(caught.value) == "name 'my shop': must be 1 to 64 letters, digits, dots, - or _."


def test_a_password_in_the_address_of_redis_is_refused(tmp_path):
    with pytest.raises(UsageError) as caught:
        company.settings_of(tmp_path, "redis://:hidden@localhost/0")
    assert str(caught.value) == (
        "conf/demo.yaml: service.redis: url must not hold a password; set the variable that "
        "password_variable names."
    )


def test_the_log_names_the_request_and_no_customer(lake, registry):
    texts = []
    settings = company.settings_of(lake, None)
    with servers.running(settings, registry, texts.append) as service:
        response = service.http.get("/customers/c002", headers={"x-request-id": "mine-1"})

    told = [json.loads(line) for text in texts for line in text.splitlines()]
    (line,) = told
    assert line["request_id"] == response.headers["x-request-id"] != "mine-1"
    assert (line["client_request_id"], line["route"]) == ("mine-1", "/customers/{customer_id}")
    assert (line["method"], line["status"]) == ("GET", 200)
    assert "c002" not in json.dumps(told)
