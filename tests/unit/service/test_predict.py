"""POST /predict: the answer equals the tables' scoring, whatever the way of the features."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from models.scoring import score_batch
from service.filling import fill
from tests.unit.service import company, servers
from tests.unit.service.company import CUSTOMERS, LAST, features_of


@pytest.fixture(scope="module")
def service(lake, redis_server, champion):
    """One service for the tests of this file, which change nothing."""
    registry = company.FakeRegistry()
    registry.set("champion", "1", champion)
    redis_server.client.flushall()
    settings = company.settings_of(lake, redis_server.url)
    fill(settings)
    with servers.running(settings, registry) as running:
        yield running


def scored(champion, customer_id):
    """The row of score_batch, which fills gold.customer_scores and gold.risk_factors."""
    row = {"as_of": LAST, "customer_id": customer_id, **features_of(customer_id)}
    frame = pd.DataFrame([row]).astype({"engagement_score": float, "revenue_30d": float})
    frame["has_profile"] = frame["has_profile"].astype(bool)
    return score_batch(champion, frame, {}, members={}).iloc[0]


@pytest.mark.parametrize("customer_id", ["c001", "c002", "c010", "c021", "c039"])
def test_an_answer_equals_the_scored_tables(service, champion, customer_id):
    expected = scored(champion, customer_id)
    by_id = service.predict(customer_id=customer_id).json()
    given = service.predict(features=features_of(customer_id), customer_id=customer_id).json()

    assert (by_id["as_of"], given["as_of"]) == ("2024-08-29", None)
    for answer in (by_id, given):
        assert answer["churn_probability"] == pytest.approx(expected.churn_probability, abs=1e-12)
        assert answer["score_basis"] == expected.score_basis
        factors = answer["top_risk_factors"]
        assert [f["feature"] for f in factors] == expected.factors
        assert [f["value"] for f in factors] == expected.factor_values
        assert [f["impact"] for f in factors] == pytest.approx(expected.impacts, abs=1e-12)
        assert all((f["impact"] > 0) == (f["direction"] == "increase") for f in factors)


def test_a_new_customer_gets_the_base_rate_and_no_factors(service):
    """c001 has been known for 3 days, and the model asks for 7."""
    answer = service.predict(customer_id="c001").json()

    assert (answer["churn_probability"], answer["score_basis"]) == (0.25, "cold_start")
    # 0.25 lies below the threshold of new customers, 0.3; |0.25 - 0.5| * 2
    assert (answer["decision_threshold"], answer["churn_prediction"]) == (0.3, 0)
    assert (answer["confidence_score"], answer["risk_level"]) == (0.5, "LOW")
    assert (answer["recommended_actions"], answer["top_risk_factors"]) == ([], [])


def test_facts_that_a_request_does_not_name_are_not_known(service):
    """Without tenure_days the model of a company whose champion does not use it would score."""
    body = service.http.get("/openapi.json").json()["components"]["schemas"]["Features"]

    assert sorted(body["required"]) == sorted(features_of("c002"))  # all facts are features here
    assert body["additionalProperties"] is False


def test_a_batch_keeps_the_order_and_names_the_unknown(service):
    ids = ["c003", "nobody", "c002", "c003"]
    batch = service.http.post("/predict/batch", json={"customer_ids": ids}).json()["answers"]
    rows = [{"features": features_of(c), "customer_id": c} for c in ("c003", "c002")]
    given = service.http.post("/predict/batch", json={"rows": rows}).json()["answers"]

    alone = {c: service.predict(customer_id=c).json()["churn_probability"] for c in ids[::2]}
    assert [a["customer_id"] for a in batch] == ids
    assert batch[1] == {
        "customer_id": "nobody",
        "status": 404,
        "detail": "customer_id: no customer of the last closed day has this id. Check the id, or "
        "send the features themselves.",
    }
    assert [a.get("churn_probability") for a in batch] == [
        *(
            alone["c003"],
            None,
            alone["c002"],
            service.predict(customer_id="c003").json()["churn_probability"],
        )
    ]
    assert [a["churn_probability"] for a in given] == [batch[0]["churn_probability"], alone["c002"]]


def test_features_and_customer_are_those_of_the_tables(service):
    features = service.http.get("/features/c004").json()
    customer = service.http.get("/customers/c004").json()

    known = features_of("c004")
    assert {k: v for k, v in features["features"].items() if k in known} == known
    assert (features["as_of"], features["source"]) == ("2024-08-29", "online_store")
    assert customer["segment"]["segment"] == "Champions"
    assert customer["score"]["churn_probability"] == 0.5
    assert service.http.get("/customers/nobody").status_code == 404


def test_a_request_costs_one_round_trip(service, redis_server):
    """Distinct customers, and no cached answers of other tests."""
    redis = redis_server
    for key in redis.client.scan_iter("holdfast:demo:answer:*"):
        redis.client.delete(key)
    redis.client.config_resetstat()
    for customer_id in CUSTOMERS:
        assert service.predict(customer_id=customer_id).json()["cache"] == "miss"
    service.http.post("/predict/batch", json={"customer_ids": CUSTOMERS})

    assert redis.calls("mget") == len(CUSTOMERS) + 1
    stats = redis.client.info("commandstats")
    others = {k for k in stats if not k.startswith(("cmdstat_config", "cmdstat_info"))}
    # The last ones open a connection; Redis 6 does not name subcommands.
    opening = {"cmdstat_client", "cmdstat_client|setinfo", "cmdstat_hello"}
    assert others <= {"cmdstat_mget", "cmdstat_set", *opening}


def test_requests_at_the_same_time_share_round_trips(service, redis_server):
    """Each gets its own customer's answer, by fewer calls than requests."""

    def ask(customer_id):
        response = service.http.get(f"/features/{customer_id}").json()
        return response["features"]["recency_days"]

    redis_server.client.config_resetstat()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, CUSTOMERS * 5))
    assert answers == [features_of(c)["recency_days"] for c in CUSTOMERS * 5]
    assert redis_server.calls("mget") <= len(answers)


def test_the_body_of_an_answer_is_documented(service):
    schema = service.http.get("/openapi.json").json()["components"]["schemas"]["Answer"]

    answer = service.predict(customer_id="c002").json()
    assert list(answer) == list(schema["properties"])


def test_the_page_of_the_api_needs_no_network(service):
    page = service.http.get("/").text

    assert "POST /predict" in page
    assert json.dumps({"customer_id": "customer-1"}).replace('"', "&#34;") in page
    assert "http://" not in page and "https://" not in page
