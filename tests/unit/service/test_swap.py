"""The champion moves while requests run: none is dropped, and each names the version that answered."""

from __future__ import annotations

import threading

import pytest

from service.champion import ModelHolder
from tests.unit.service import company, servers
from tests.unit.service.company import CUSTOMERS, features_of
from udfs.shares import is_in_share


def test_a_swap_drops_no_request_and_no_stale_answer(service, registry):
    """Eight clients ask by id, so cached answers of version 1 are there when version 2 takes over."""
    second = company.portable(seed=1)
    expected = {
        "1": registry_scores(registry),
        "2": {c: score_of(second, c) for c in CUSTOMERS},
    }
    stop, seen, faults = threading.Event(), [], []

    def ask(number):
        while not stop.is_set():
            for customer_id in CUSTOMERS[number::8]:
                response = service.predict(customer_id=customer_id)
                if response.status_code != 200:
                    faults.append(response.text)
                    continue
                answer = response.json()
                seen.append(answer["model_version"])
                wanted = expected[answer["model_version"]][customer_id]
                if answer["churn_probability"] != pytest.approx(wanted, abs=1e-12):
                    faults.append(answer)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    servers.until(lambda: seen.count("1") > 100)
    registry.set("champion", "2", second)
    servers.until(lambda: seen.count("2") > 100)
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert service.http.get("/model").json()["version"] == "2"


def score_of(model, customer_id):
    from models.answers import scores

    return scores(model, [features_of(customer_id)])[0].churn_probability


def registry_scores(registry):
    from models.portable import PortableModel

    model = PortableModel.from_json(registry.by_alias("champion").portable)
    return {c: score_of(model, c) for c in CUSTOMERS}


def test_the_registry_away_changes_nothing(service, registry):
    registry.fault = OSError("no route to the registry")
    servers.until(lambda: service.made.models.failures > 1)

    assert service.predict(customer_id="c002").status_code == 200
    assert service.made.models.fault == "the model registry failed: OSError"
    registry.fault = None
    servers.until(lambda: service.made.models.fault is None)


def test_a_version_of_another_meaning_does_not_answer(lake, registry):
    holder = ModelHolder(company.settings_of(lake, None), registry)
    holder.refresh()
    registry.set("champion", "2", company.portable(horizon_days=60))
    holder.refresh()

    assert holder.current.champion.version == "1"
    assert holder.fault == (
        "churn version 2 was trained with churn.primary_horizon_days = 60 (conf: 30), so its "
        "probability has another meaning. It does not answer. Change conf back, train under another "
        "mlflow.model_name, or roll back to a version that was trained with the values of conf."
    )


def test_without_a_champion_the_service_says_what_to_do(lake):
    with servers.running(company.settings_of(lake, None), company.FakeRegistry()) as service:
        answers = [service.http.get("/health/live"), service.http.get("/health/ready")]
        answers += [service.predict(customer_id="c002"), service.http.get("/ping")]

    assert [a.status_code for a in answers] == [200, 503, 503, 503]
    assert answers[2].json()["detail"] == (
        "no model is registered as champion. Run `holdfast train_churn`, `validate_model` and "
        "`deploy_model` first."
    )


def test_the_hash_share_is_that_of_score_customers(lake, redis, registry):
    registry.set("challenger", "2", company.portable(seed=1))
    settings = company.settings_of(lake, None, share=0.3)
    with servers.running(settings, registry) as service:
        answers = {c: service.predict(customer_id=c).json() for c in CUSTOMERS}
        nameless = service.predict(features=features_of("c002")).json()

    in_share = {c for c in CUSTOMERS if is_in_share(0.3, "churn-v1-v2", c)}
    assert 5 < len(in_share) < 20
    assert {c for c, a in answers.items() if a["arm"] == "challenger"} == in_share
    assert {a["model_version"] for c, a in answers.items() if c in in_share} == {"2"}
    assert nameless["arm"] == "champion"
