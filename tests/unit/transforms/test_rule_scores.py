"""Scores without a champion, and the model that scored a row."""

from __future__ import annotations

import datetime as dt

from transforms.scores import scored_by_rule, with_model

CUSTOMER = "as_of date, customer_id string, recency_days bigint, engagement_score double"
DAY = dt.date(2018, 1, 1)


def test_the_rate_of_the_recency_is_the_score(frame, rows_of):
    customers = frame(CUSTOMER, [(DAY, "a", 1, 0.5), (DAY, "b", 3, None)])
    rows = {r["customer_id"]: r for r in rows_of(scored_by_rule(customers, [0.1, 0.2, 0.4], 0.3))}
    assert {c: r["churn_probability"] for c, r in rows.items()} == {"a": 0.1, "b": 0.4}
    assert rows["a"]["engagement_score"] == 0.5 and rows["b"]["engagement_score"] is None
    for row in rows.values():
        assert row["score_basis"] == "rule"
        assert row["factors"] == row["impacts"] == row["factor_values"] == []
        assert row["reasons"] is row["model_name"] is row["model_version"] is None
        assert row["top_risk_factor"] is None
        assert row["decision_threshold"] == 0.3


def test_rows_name_the_model_that_scored_them_and_its_threshold(frame, rows_of):
    rows = frame("customer_id string, score_basis string", [("a", "model"), ("b", "cold_start")])
    logged = {"model": 0.14, "cold_start": 0.16}
    named = {"model_name": "xgboost", "model_version": "3"}
    assert rows_of(with_model(rows, "xgboost", "3", thresholds=logged)) == [
        {"customer_id": "a", "score_basis": "model", **named, "decision_threshold": 0.14},
        {"customer_id": "b", "score_basis": "cold_start", **named, "decision_threshold": 0.16},
    ]
