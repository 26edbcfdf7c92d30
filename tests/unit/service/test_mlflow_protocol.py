"""MLflow's scoring protocol, asked by MLflow's own client."""

from __future__ import annotations

import json

import mlflow
import pandas as pd
import pytest
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

from tests.unit.service import company, servers
from tests.unit.service.company import CUSTOMERS, features_of


@pytest.fixture(scope="module")
def service(lake):
    registry = company.FakeRegistry()
    registry.set("champion", "1", company.portable())
    with servers.running(company.settings_of(lake, None), registry) as running:
        yield running


@pytest.fixture
def client(service):
    return ScoringServerClient("127.0.0.1", service.url.rpartition(":")[2])


def test_mlflows_client_gets_the_probabilities_of_predict(service, client):
    """A frame as pandas has it: integers, a boolean, and NaN where a value is unknown."""
    ids = CUSTOMERS[:12]
    frame = pd.DataFrame([features_of(c) for c in ids])
    frame["comment"] = "a column that the model does not know"
    client.wait_server_ready()
    predictions = client.invoke(frame).get_predictions()

    expected = [service.predict(customer_id=c).json()["churn_probability"] for c in ids]
    assert frame["revenue_30d"].isna().any() and frame["has_profile"].dtype == bool
    assert predictions["churn_probability"].tolist() == pytest.approx(expected, abs=1e-12)
    assert client.get_version() == mlflow.__version__


def invoke(service, body, kind="application/json"):
    content = body if isinstance(body, str) else json.dumps(body)
    return service.http.post("/invocations", content=content, headers={"content-type": kind})


def test_all_forms_of_the_protocol_give_the_same(service):
    rows = [features_of(c) for c in ("c002", "c004")]
    columns = list(rows[0])
    forms = [
        {"dataframe_records": rows},
        {"dataframe_split": {"columns": columns, "data": [list(r.values()) for r in rows]}},
        {"instances": rows},
        {"inputs": rows},
        {"inputs": {name: [r[name] for r in rows] for name in columns}},
    ]
    answers = [invoke(service, form).json() for form in forms]
    answers.append(invoke(service, pd.DataFrame(rows).to_csv(index=False), "text/csv").json())

    expected = service.predict(customer_id="c002").json()["churn_probability"]
    assert answers[0]["predictions"][0]["churn_probability"] == pytest.approx(expected, abs=1e-12)
    assert answers == answers[:1] * 6


@pytest.mark.parametrize(
    ("body", "kind", "status", "detail"),
    [
        ("{", "application/json", 400, "body: must be JSON."),
        (
            {"rows": []},
            "application/json",
            400,
            "body: must have exactly one of dataframe_split, dataframe_records, instances, inputs, "
            "and no other key.",
        ),
        (
            {"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}},
            "application/json",
            400,
            "dataframe_split: must have columns and data, with one value per column.",
        ),
        (
            {"instances": [[1.0]]},
            "application/json",
            400,
            "instances: must be a list of objects with the features by name.",
        ),
        (
            {"inputs": {"a": [1], "b": [1, 2]}},
            "application/json",
            400,
            "inputs: must be lists of one length, by feature.",
        ),
        ({"instances": []}, "application/json", 422, "body: must have 1 to 1,000 rows, got 0."),
        ("a", "text/html", 415, "content-type: must be application/json or text/csv."),
    ],
)
def test_a_body_that_is_none_of_the_forms(service, body, kind, status, detail):
    response = invoke(service, body, kind)

    assert (response.status_code, response.json()["detail"]) == (status, detail)


def test_a_boolean_is_no_number(service):
    response = invoke(service, {"instances": [{**features_of("c002"), "recency_days": False}]})

    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"pointer": "/0/recency_days", "detail": "Input should be a valid number"}
    ]
