"""Logged answers against the feature tables of their time."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from deltalake import DeltaTable

from models.answers import scores
from service.inference_checks import Checks, PastFeatures, told, write_checks
from tests.unit.service import company
from tests.unit.service.company import LAST, features_of

DAY = dt.date(2026, 5, 1)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    root = tmp_path_factory.mktemp("checked")
    company.write_lake(root, customers=company.CUSTOMERS[:5])
    return root


@pytest.fixture(scope="module")
def model():
    return company.portable()


@pytest.fixture
def checks(lake, model):
    past = PastFeatures(lambda name: str(lake / name.replace(".", "/")))
    written = {name: [(at(1), 0)] for name in past.commits}
    past.__dict__["commits"] = written  # as if the tables had been written at 01:00
    return Checks(past, {"1": model}.__getitem__)


def at(hour):
    return dt.datetime(2026, 5, 1, hour, tzinfo=dt.UTC)


def row(model, customer_id="c002", hour=2, error=0.0, **changes):
    """An answer of the model about the customer's features in the tables."""
    p = scores(model, [features_of(customer_id)])[0].churn_probability
    given = {
        "request_at": at(hour),
        "customer_id": customer_id,
        "features_on": LAST,
        "features": None,
    }
    given |= {"features_source": "online_store", "model_version": "1", "arm": "champion"}
    return {**given, "churn_probability": p + error, **changes}


@pytest.mark.parametrize(
    ("changes", "recomputed", "different"),
    [
        ({}, 1, 0),
        ({"error": 0.9e-6}, 1, 0),
        ({"error": 1.1e-6}, 1, 1),
        ({"hour": 0}, 0, 0),  # before the first commit: not known what the tables held
        ({"features_on": dt.date(2024, 1, 1)}, 1, 1),  # a day that the tables did not have
        ({"customer_id": "c001"}, 1, 0),  # a new customer, with the base rate
    ],
)
def test_an_answer_by_id_is_recomputed_from_the_tables(
    checks, model, changes, recomputed, different
):
    checks.add([row(model, **changes)])

    share = different / recomputed if recomputed else None
    assert checks.rows() == [(DAY, "1", 1, recomputed, different, share)]


def test_an_answer_about_given_features_is_recomputed_from_these(checks, model):
    """The tables do not know the customer."""
    given = {"features_source": "request", "features_on": None}
    sent = {"features": json.dumps(features_of("c004")), **given}
    right = {
        **row(model, "c004"),
        **sent,
        "customer_id": None,
    }
    wrong = {**right, "features": json.dumps(features_of("c020"))}
    checks.add([right, right, wrong])

    assert checks.rows() == [(DAY, "1", 3, 3, 1, pytest.approx(1 / 3))]


def test_a_fresh_answer_is_recomputed_from_the_logged_features(checks, model):
    """Its as_of is that of the closed day, whose features would give another probability."""
    features = {**features_of("c002"), "engagement_score": 90.0}
    p = scores(model, [features])[0].churn_probability
    logged = json.dumps({"as_of": str(LAST), **features})
    answer = row(model, features_source="open_day", features=logged, churn_probability=p)
    checks.add([answer, {**answer, "features_source": "online_store"}])

    assert checks.rows() == [(DAY, "1", 2, 2, 1, 0.5)]


def test_a_day_that_is_checked_again_is_replaced(tmp_path):
    path, other = str(tmp_path / "checks"), dt.date(2026, 5, 2)
    write_checks(path, [(DAY, "1", 3, 3, 1, 1 / 3), (other, "1", 1, 0, 0, None)], "{}")
    write_checks(path, [(DAY, "1", 4, 4, 0, 0.0), (DAY, "2", 1, 1, 0, 0.0)], "{}")

    rows = DeltaTable(path).to_pyarrow_table().sort_by("answered_on").to_pylist()
    assert sorted(tuple(row.values()) for row in rows) == [
        (DAY, "1", 4, 4, 0, 0.0),
        (DAY, "2", 1, 1, 0, 0.0),
        (other, "1", 1, 0, 0, None),
    ]


def test_what_the_job_says():
    rows = [(DAY, "1", 3, 3, 1, 1 / 3), (DAY, "2", 1_000, 0, 0, None)]

    assert told(rows[1:]) == ("gold.inference_log: 1,000 answers, 0 recomputed, 0 different")
    assert told(rows) == (
        "gold.inference_log: 1,003 answers, 3 recomputed, 1 different by more than 1e-06. The "
        "online store was older than the feature tables, or code or model files have changed: run "
        "fill_online_store after each build_features."
    )
