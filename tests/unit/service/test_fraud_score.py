"""POST /fraud/score: the answer equals the tables, also for repeated payments and without Redis."""

from __future__ import annotations

import datetime as dt
import signal
import time

import pandas as pd
import pytest

from models.fraud.payments import Payments
from models.fraud.scoring import fraud_scores
from models.fraud.windows import states
from service.fraud_filling import fill_fraud
from tests.unit.models.fraud.recount import payment
from tests.unit.models.fraud.small_model import small_model
from tests.unit.service import company, servers
from udfs.micros import EPOCH, MICROSECOND


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture
def frauds(model):
    known = company.FakeRegistry()
    known.set("champion", "7", model)
    return known


@pytest.fixture
def scoring(lake, redis, registry, frauds):
    settings = company.settings_of(lake, redis.url)
    fill_fraud(settings, redis.client)
    with servers.running(settings, registry, fraud=frauds) as running:
        yield running


def body_of(row):
    """The request of a payment."""
    body = {k: v for k, v in row.items() if k not in ("cents", "received_at")}
    moment = EPOCH + row["paid_at"] * MICROSECOND
    return {**body, "amount": row["cents"] / 100, "paid_at": moment.isoformat()}


def ask(running, row, **changes):
    return running.http.post("/fraud/score", json={**body_of(row), **changes})


def scored(running, row):
    response = ask(running, row)
    assert response.status_code == 200, response.text
    return response.json()


def is_degraded(answer):
    return (answer["basis"], answer["decision"], answer["score"]) == ("degraded", "review", None)


def micros(text):
    return (dt.datetime.fromisoformat(text) - EPOCH) // MICROSECOND


def burst():
    """Payments of three customers, one of them with a burst of a new device, some out of order."""
    rows = [
        payment(n, minute=n * 90, customer_id=f"c{n % 3}", card_id=f"k{n % 3}") for n in range(60)
    ]
    rows += [payment(100 + n, minute=5400 + n / 10, device_id="x", cents=90_000) for n in range(8)]
    rows[20], rows[22] = rows[22], rows[20]
    rows[-1], rows[-3] = rows[-3], rows[-1]
    return [*rows, payment(200, minute=100)]  # 3 days late: no windows


def test_answers_equal_the_batch_of_the_same_payments(scoring, model):
    """silver.payments has received_at of the answers; then each score, decision and reason is
    equal, for payments that came in order, out of order and too late."""
    rows = burst()
    answers = [scored(scoring, row) for row in rows]
    delivered = [
        {**row, "received_at": micros(a["received_at"])}
        for row, a in zip(rows, answers, strict=True)
    ]
    table = Payments.from_frame(pd.DataFrame(delivered).sample(frac=1, random_state=1))
    batch = fraud_scores(model, table, states(table), degraded_amount=1000)
    by_id = dict(zip(table.payment_id, batch, strict=True))

    for answer in answers:
        row = by_id[answer["payment_id"]]
        assert (answer["score"], answer["decision"]) == (row.score, row.decision)
        assert (answer["reason"], answer["basis"]) == (row.reason, row.basis)
        assert answer["is_alert"] == row.is_alert
    assert {a["decision"] for a in answers} >= {"approve", "review"}
    assert answers[-1]["basis"] == "degraded"
    assert {a["model_version"] for a in answers} == {"7", None}


def test_one_call_of_redis_per_request(scoring, redis):
    scored(scoring, payment(0))
    servers.until(lambda: redis.calls("eval") == 1)  # keeps the answer
    redis.client.config_resetstat()
    for n in range(1, 11):
        scored(scoring, payment(n))

    assert redis.calls("evalsha") == 10


def test_a_repeated_payment_has_the_same_answer_after_a_new_model(scoring, frauds, redis):
    first = scored(scoring, payment(1))
    servers.until(lambda: redis.client.hexists("holdfast:demo:fraud:payment:p1", "answer"))
    frauds.set("champion", "8", small_model(seed=5))
    servers.until(lambda: scoring.made.fraud.models.current.version == "8")
    again = scored(scoring, payment(1))

    assert {**again, "request_id": ""} == {**first, "request_id": ""}
    assert scored(scoring, payment(2))["model_version"] == "8"


def test_a_payment_id_with_other_values_is_refused(scoring):
    scored(scoring, payment(1))
    response = ask(scoring, payment(1), amount=11.0)

    assert (response.status_code, response.headers["content-type"]) == (
        409,
        "application/problem+json",
    )
    assert response.json()["detail"] == (
        "payment_id: was sent before with other values. Send a new payment_id for a new payment, "
        "and the same values for a repeated one."
    )


@pytest.mark.parametrize("moment", [dt.datetime(1969, 12, 31, 23, tzinfo=dt.UTC), None])
def test_a_date_that_cannot_be_is_reviewed_and_not_counted(scoring, moment):
    """Before 1970, and an hour ahead of the clock, which would make every other payment late."""
    moment = moment or dt.datetime.fromtimestamp(time.time() + 3600, dt.UTC)
    answer = ask(scoring, payment(1), paid_at=moment.isoformat()).json()

    assert is_degraded(answer)
    assert answer["received_at"] is None
    assert scored(scoring, payment(1))["basis"] == "model"


def test_half_a_place_is_none(scoring):
    first = ask(scoring, payment(1), longitude=None)
    again = ask(scoring, payment(1), latitude=None, longitude=None)

    assert (first.status_code, again.status_code) == (200, 200)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": False},
        {"amount": "12"},
        {"amount": -0.01},
        {"amount": 2_000_000},
        {"paid_at": "2025-03-01T10:00:00"},  # no zone
        {"paid_at": 1_740_823_200},
        {"payment_id": ""},
        {"payment_id": "a\u0000b"},
        {"payment_id": None},
        {"customer_id": 7},
        {"latitude": 91.0},
        {"unknown": 1},
    ],
)
def test_bad_payments_are_named(scoring, redis, changes):
    response = ask(scoring, payment(1), **changes)

    assert response.status_code == 422
    assert response.json()["detail"].startswith(
        "body: breaks the schema of the request in 1 places"
    )
    (fault,) = response.json()["errors"]
    assert fault["pointer"] in ("", *("/" + name for name in changes))
    assert not redis.client.keys("holdfast:demo:fraud:payment:*")


def test_broken_bodies(scoring):
    post = scoring.http.post
    headers = {"content-type": "application/json"}
    assert post("/fraud/score", content="{", headers=headers).status_code == 400
    assert post("/fraud/score", content='{"amount": NaN}', headers=headers).status_code in (
        400,
        422,
    )
    assert post("/fraud/score", content="{}").status_code == 415


def test_the_document_describes_the_payment(scoring):
    document = scoring.http.get("/openapi.json").json()
    operation = document["paths"]["/fraud/score"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]

    assert schema["required"] == [
        *("payment_id", "customer_id", "card_id", "device_id", "merchant_id"),
        *("merchant_category", "country", "latitude", "longitude", "amount", "paid_at"),
    ]
    assert {"409", "422"} <= operation["responses"].keys()


# Bad days


@pytest.fixture
def own_redis(tmp_path):
    server = servers.RedisServer(servers.free_port(), tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def guarded(lake, own_redis, registry, frauds):
    settings = company.settings_of(lake, own_redis.url, redis={"timeout_ms": 200})
    fill_fraud(settings, own_redis.client)
    with servers.running(settings, registry, fraud=frauds) as running:
        yield running


def test_a_killed_redis_and_its_return(guarded, own_redis):
    before = scored(guarded, payment(0))
    own_redis.stop()
    away = [scored(guarded, payment(n, cents=150_000)) for n in range(1, 5)]
    own_redis.start()
    empty = servers.until(lambda: (a := scored(guarded, payment(9)))["received_at"] and a)
    fill_fraud(guarded.made.settings, own_redis.client)

    assert before["basis"] == "model"
    assert all(map(is_degraded, away))
    assert {a["received_at"] for a in away} == {None}
    assert away[0]["reason"] == "amount 1,500.00 is at least 1,000.00; local hour before 6"
    assert is_degraded(empty)  # it has lost the windows
    assert scored(guarded, payment(10))["basis"] == "model"


def test_a_stopped_redis(guarded, own_redis):
    scored(guarded, payment(0))
    own_redis.send(signal.SIGSTOP)
    began = time.perf_counter()
    answers = [scored(guarded, payment(n)) for n in range(1, 4)]
    seconds = time.perf_counter() - began
    own_redis.send(signal.SIGCONT)

    assert all(map(is_degraded, answers))
    assert seconds < 3


def test_a_full_redis_degrades_and_still_serves_predictions(guarded, own_redis):
    own_redis.client.config_set("maxmemory", "100kb")
    own_redis.client.config_set("maxmemory-policy", "noeviction")

    assert is_degraded(scored(guarded, payment(1)))
    assert not guarded.made.redis.is_open


def test_without_a_model(lake, redis, registry):
    settings = company.settings_of(lake, redis.url)
    fill_fraud(settings, redis.client)
    with servers.running(settings, registry, fraud=company.FakeRegistry()) as running:
        answer = scored(running, payment(1))

    assert is_degraded(answer)
    assert answer["received_at"] is not None  # counted all the same
