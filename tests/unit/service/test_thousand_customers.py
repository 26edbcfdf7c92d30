"""1,000 customers by the online store and by the scoring of the tables: the same probabilities."""

from __future__ import annotations

import random

import pandas as pd
import pytest

from models.scoring import score_batch
from service.filling import fill
from tests.unit.service import company, servers
from tests.unit.service.company import LAST

CUSTOMERS = [f"c{n:04d}" for n in range(1_000)]


def drawn(customer_id, day=LAST):
    """Random features of a customer, most of them where the trees of the model split."""
    draw = random.Random(customer_id)
    return {
        "recency_days": draw.randrange(1, 150),
        "tenure_days": draw.randrange(1, 150),
        "revenue_30d": draw.choice((None, draw.uniform(-10, 150))),
        "engagement_score": draw.choice((None, draw.random())),
        "has_profile": draw.random() < 0.7,
        "region": draw.choice(("north", "south", None)),
    }


@pytest.fixture
def thousand(tmp_path, redis, registry):
    """The running service over a lake of 1,000 customers, with a filled online store."""
    company.write_lake(tmp_path, customers=CUSTOMERS, features=drawn)
    settings = company.settings_of(tmp_path, redis.url)
    fill(settings)
    with servers.running(settings, registry) as running:
        yield running


def test_the_online_probability_of_each_customer_is_that_of_the_batch(thousand, champion):
    rows = [{"as_of": LAST, "customer_id": c, **drawn(c)} for c in CUSTOMERS]
    frame = pd.DataFrame(rows).astype({"engagement_score": float, "revenue_30d": float})
    batch = score_batch(champion, frame, {}, members={}).set_index("customer_id")

    body = {"customer_ids": CUSTOMERS}
    answers = thousand.http.post("/predict/batch", json=body).json()["answers"]

    assert [a["customer_id"] for a in answers] == CUSTOMERS
    assert batch["churn_probability"].nunique() > 100
    assert set(batch["score_basis"]) == {"model", "cold_start"}
    online = pd.Series({a["customer_id"]: a["churn_probability"] for a in answers})
    assert (online - batch["churn_probability"]).abs().max() <= 1e-6
    for customer_id in CUSTOMERS[::100]:
        stored = thousand.http.get(f"/features/{customer_id}").json()
        expected = drawn(customer_id)
        assert {name: stored["features"][name] for name in expected} == expected
        assert stored["source"] == "online_store"
