"""Scores without a champion, and the top risk factor."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms.scores import scored_by_rule, with_model, with_top_risk_factor

CUSTOMER = "as_of date, customer_id string, recency_days bigint, engagement_score double"
DAY = dt.date(2018, 1, 1)


def test_the_rate_of_the_recency_is_the_score(frame, rows_of):
    customers = frame(CUSTOMER, [(DAY, "a", 1, 0.5), (DAY, "b", 3, None)])
    rows = {r["customer_id"]: r for r in rows_of(scored_by_rule(customers, [0.1, 0.2, 0.4]))}
    assert {c: r["churn_probability"] for c, r in rows.items()} == {"a": 0.1, "b": 0.4}
    assert rows["a"]["engagement_score"] == 0.5 and rows["b"]["engagement_score"] is None
    for row in rows.values():
        assert row["score_basis"] == "rule"
        assert row["factors"] == row["impacts"] == row["factor_values"] == []
        assert row["reasons"] is row["model_name"] is row["model_version"] is None


def test_rows_name_the_model_that_scored_them(frame, rows_of):
    scored = with_model(frame("customer_id string", [("a",)]), "xgboost", "3")
    assert rows_of(scored) == [{"customer_id": "a", "model_name": "xgboost", "model_version": "3"}]


@pytest.mark.spark_only
def test_the_top_risk_factor_is_the_first_that_increases_the_risk(session):
    rows = session.createDataFrame(
        [
            ("first", ["x", "y"], [0.5, 0.4]),
            ("second", ["x", "y"], [-0.5, 0.4]),
            ("no increase", ["x"], [-0.5]),
            ("no factor", [], []),
        ],
        "customer_id string, factors array<string>, impacts array<double>",
    )
    top = {r["customer_id"]: r["top_risk_factor"] for r in with_top_risk_factor(rows).collect()}
    assert top == {"first": "x", "second": "y", "no increase": None, "no factor": None}
