"""The same customer by the scored tables (Spark), the service and MLflow's protocol."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest
from deltalake import DeltaTable
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

from runtime import settings as settings_module
from runtime.model_registry import CHAMPION, Registry
from service.filling import fill
from service.inference_checks import run
from tests.unit.service import servers
from tests.wiring.company_files import PLAN_2
from tests.wiring.small_company import SECOND, own_conf

DAY = f"as_of = DATE '{PLAN_2}'"


@pytest.fixture(scope="module")
def served(company, tmp_path_factory):
    """The service over a copy of the lake, with a filled Redis, and its settings."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(company.root, folder / "lakehouse")
    redis = servers.RedisServer(servers.free_port(), folder)
    redis.start()
    with own_conf():
        settings_module.use_conf_dir(str(company.conf))
        settings = settings_module.load(
            SECOND,
            lakehouse={"root": str(folder / "lakehouse")},
            service={"redis": {"url": redis.url}},
        )
    assert fill(settings) == (
        f"online store: 300 customers of {PLAN_2}\n"
        "fraud: no silver.payments, so windows begin with the first request"
    )
    with servers.running(settings, Registry(settings)) as service:
        yield service
    redis.stop()


def answers_of(service, ids):
    values = service.http.post("/predict/batch", json={"customer_ids": ids}).json()["answers"]
    return {answer["customer_id"]: answer for answer in values}


def test_the_service_answers_what_the_tables_hold(company, served):
    """Probability to 1e-6, level, actions, version; both arms of the A/B test of models."""
    scores = company.table("gold.customer_scores", DAY).set_index("customer_id")
    answers = answers_of(served, list(scores.index))

    assert len(answers) > 100
    for customer_id, row in scores.iterrows():
        answer = answers[customer_id]
        assert answer["churn_probability"] == pytest.approx(row.churn_probability, abs=1e-6)
        assert "; ".join(answer["recommended_actions"]) == (row.recommended_actions or "")
        for name in (
            *("churn_prediction", "risk_level", "risk_scheme", "score_basis", "model_name"),
            *("model_version", "horizon_days"),
        ):
            assert answer[name] == row[name], (customer_id, name)
        for name in ("decision_threshold", "confidence_score"):
            assert answer[name] == pytest.approx(row[name], abs=1e-6)
    assert {answer["arm"] for answer in answers.values()} == {"champion", "challenger"}


def test_the_factors_are_those_of_the_tables(company, served):
    factors = company.table("gold.risk_factors", DAY).sort_values(["customer_id", "rank"])
    answers = answers_of(served, list(factors["customer_id"].unique()))

    for customer_id, rows in factors.groupby("customer_id"):
        values = answers[customer_id]["top_risk_factors"]
        for name in ("feature", "value", "direction"):
            assert [f[name] for f in values] == rows[name].where(rows[name].notna(), None).tolist()
        assert [f["impact"] for f in values] == pytest.approx(rows["impact"].tolist(), abs=1e-6)


def test_features_given_and_mlflows_client_give_the_same(company, served):
    """Of the champion's arm: MLflow's protocol knows no customer. Also MLflow's own pyfunc."""
    scores = company.table("gold.customer_scores", f"{DAY} AND model_version = '1'")
    scores = scores[scores["score_basis"] == "model"].head(25)
    names = served.http.get("/model").json()["features"]
    rows = [served.http.get(f"/features/{c}").json()["features"] for c in scores["customer_id"]]
    rows = [{name: row[name] for name in names} for row in rows]

    given = [served.predict(features=row).json()["churn_probability"] for row in rows]
    client = ScoringServerClient("127.0.0.1", served.url.rpartition(":")[2])
    frame = pd.DataFrame(rows)
    by_protocol = client.invoke(frame).get_predictions()["churn_probability"].tolist()
    by_pyfunc = served.made.models.source.served(CHAMPION).predict(frame)["churn_probability"]
    expected = scores["churn_probability"].tolist()
    assert len(expected) == 25
    for values in (given, by_protocol, by_pyfunc.tolist()):
        assert values == pytest.approx(expected, abs=1e-6)


def test_the_logged_answers_are_confirmed_by_the_tables(served):
    """check_inference_log over what the tests above asked: nothing differs."""
    served.predict(customer_id="c001")
    settings = served.made.settings
    table, checked = (str(settings.root / "gold" / f"inference_{n}") for n in ("log", "checks"))
    servers.until(lambda: DeltaTable.is_deltatable(table))
    servers.until(lambda: DeltaTable(table).to_pyarrow_table().num_rows > 0)
    run(settings)

    checks = DeltaTable(checked).to_pyarrow_table().to_pylist()
    assert sum(row["recomputed"] for row in checks) == sum(row["answers"] for row in checks) > 0
    assert {row["different_share"] for row in checks} == {0.0}
