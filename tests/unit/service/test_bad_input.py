"""Bad bodies: no 5xx, nothing accepted that the schema forbids, and a message that helps."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest

from tests.unit.service import company, servers
from tests.unit.service.company import features_of


@pytest.fixture(scope="module")
def service(lake):
    registry = company.FakeRegistry()
    registry.set("champion", "1", company.portable())
    settings = company.settings_of(lake, None, requests_per_second=1e6, burst=1_000_000)
    with servers.running(settings, registry) as running:
        yield running


def good(**changes):
    return {**features_of("c002"), **changes}


def post(service, content, path="/predict", kind="application/json"):
    return service.http.post(path, content=content, headers={"content-type": kind})


@pytest.mark.parametrize(
    ("changes", "pointer", "detail"),
    [
        ({"recency_days": False}, "/features/recency_days", "Input should be a valid number"),
        ({"recency_days": "3"}, "/features/recency_days", "Input should be a valid number"),
        ({"recency_days": [3]}, "/features/recency_days", "Input should be a valid number"),
        ({"recency_days": math.nan}, "/features/recency_days", "Input should be a finite number"),
        ({"recency_days": math.inf}, "/features/recency_days", "Input should be a finite number"),
        ({"has_profile": 0}, "/features/has_profile", "Input should be a valid boolean"),
        ({"region": 3}, "/features/region", "Input should be a valid string"),
        ({"price": 1.0}, "/features/price", "Extra inputs are not permitted"),
    ],
)
def test_a_feature_of_another_kind_is_refused(service, changes, pointer, detail):
    response = post(service, json.dumps({"features": good(**changes)}))

    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["errors"] == [{"pointer": pointer, "detail": detail}]
    assert response.json()["detail"] == (
        "body: breaks the schema of the request in 1 places. /openapi.json has the schema, and "
        "/docs shows examples."
    )


def test_a_number_beyond_float32_is_refused(service):
    """1e300 is finite, but the model's matrix cannot hold it."""
    response = post(service, json.dumps({"features": good(recency_days=1e300)}))

    assert response.status_code == 422


def test_a_missing_feature_is_named(service):
    features = good()
    del features["region"]
    response = post(service, json.dumps({"features": features}))

    assert response.json()["errors"] == [
        {"pointer": "/features/region", "detail": "Field required"}
    ]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b'{"customer_id": "\xff"}', "application/json", 400),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b"{}", "application/json", 422),
        (b'{"customer_id": ""}', "application/json", 422),
        (b'{"customer_id": 7}', "application/json", 422),
        (b'{"customer_id": "c002", "fresh": 1}', "application/json", 422),
        (b'{"customer_id": "c002", "newest": true}', "application/json", 422),
        (b'{"customer_id": "\\ud800"}', "application/json", 400),
        (b'{"customer_id": "nobody"}', "application/json", 404),
        (b'{"customer_id": "c002"}', "text/plain", 415),
        (b"[" * 100_000, "application/json", 400),
        (b'{"customer_id": "' + b"a" * 10_000_000 + b'"}', "application/json", 413),
    ],
)
def test_the_status_of_a_bad_body(service, content, kind, status):
    response = post(service, content, kind=kind)

    assert response.status_code == status, response.text
    assert response.json()["status"] == status
    assert response.json()["request_id"] == response.headers["x-request-id"]


def test_a_body_without_a_length_is_cut_off_too(service):
    """Chunked: 10 MB in pieces of 64 kB."""
    response = post(service, (b"x" * 65_536 for _ in range(160)))

    assert response.status_code == 413
    assert response.json()["detail"] == (
        "body: must have at most 8,000,000 bytes. Send fewer customers at once."
    )


def test_a_message_does_not_repeat_what_was_sent(service):
    secret = "Erika Mustermann"
    features = good(region=7, recency_days=secret)
    texts = [post(service, json.dumps({"features": features})).text]
    texts += [post(service, json.dumps({"customer_id": secret})).text]
    texts += [post(service, json.dumps({"dataframe_records": [features]}), "/invocations").text]

    assert [secret in text for text in texts] == [False] * 3


def test_too_many_customers_at_once(service):
    body = json.dumps({"customer_ids": ["c002"] * 1_001})
    response = post(service, body, "/predict/batch")

    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/customer_ids"


def test_many_errors_are_counted_and_the_first_are_listed(service):
    rows = [{"features": {}} for _ in range(500)]
    problem = post(service, json.dumps({"rows": rows}), "/predict/batch").json()

    assert len(problem["errors"]) == 20
    assert problem["detail"].startswith(
        "body: breaks the schema of the request in 3000 places (the first 20 are listed)."
    )


def test_an_address_and_a_method_that_do_not_exist(service):
    lost, wrong = service.http.get("/predictions"), service.http.get("/predict")

    assert (lost.status_code, wrong.status_code) == (404, 405)
    assert lost.json()["detail"] == "the address does not exist. / lists the routes."
    assert wrong.json()["detail"] == "the route takes POST."
    assert wrong.headers["allow"] == "POST"


def test_requests_made_from_the_document(service):
    """schemathesis: no 5xx, no accepted violation, no refused valid body, answers fit the schema."""
    options = ["--checks", "all", "--max-examples", "10", "--seed", "1"]
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/openapi.json"]
    done = subprocess.run(
        [*command, *options, "--generation-database", "none"], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout
    assert "Tested: 12" in done.stdout
    assert "Unresolvable references" not in done.stdout
