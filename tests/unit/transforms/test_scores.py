"""gold.customer_scores and risk_factors, made from a model's probabilities."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import yaml

from contracts.gold_lifetime import OF_SCORES
from transforms.scores import customer_scores, rate_by_recency, risk_factors, with_lifetime
from udfs.registry import formulas

AS_OF = dt.date(2018, 1, 1)
CONF = Path(__file__).parents[3] / "conf" / "defaults.yaml"
SCORED = (
    "as_of date, customer_id string, churn_probability double, score_basis string, "
    "model_name string, model_version string, top_risk_factor string, recency_days bigint, "
    "engagement_score double, main_reason string, reason_basis string, decision_threshold double, "
    "risk_percentile int, risk_percentile_in_segment int"
)


@pytest.fixture(scope="module")
def conf():
    return {f.name: f for f in formulas(yaml.safe_load(CONF.read_text()))}


LIFETIME = ", ".join(f"{c.name} {c.type}" for c in OF_SCORES)


def without_worth(frame, rows):
    """Scored rows with an empty gold.customer_lifetime."""
    return with_lifetime(frame(SCORED, rows), frame(f"customer_id string, {LIFETIME}", []))


def scored(name, probability, recency=1, engagement=None, threshold=0.2):
    facts = ("model", "xgboost", "3", "recency_days", recency, engagement)
    return (AS_OF, name, probability, *facts, "price", "shap_families", threshold, 90, 80)


def test_a_probability_becomes_a_level_a_prediction_and_actions(frame, rows_of, conf):
    """At the threshold 0.2 the odds are 1/4: HIGH from odds 3/4 (p = 3/7), CRITICAL from 2 (2/3)."""
    rows = without_worth(
        frame,
        [
            scored("a at the threshold", 0.2),
            scored("b below it", 0.19999),
            scored("c silent, not engaged", 0.9, recency=61, engagement=0.29),
            scored("d engagement unknown", 0.9),
            scored("e between", 0.6),
            scored("f no rule", 0.5),
            scored("g threshold of its own", 0.5, threshold=0.6),
        ],
    )
    by_name = {
        row["customer_id"][0]: row
        for row in rows_of(customer_scores(rows, 30, "relative", formulas=conf))
    }
    names = ("horizon_days", "churn_prediction", "risk_level", "recommended_actions")
    loyal = "Loyalty program enrollment; Usage analytics and insights sharing"
    both = (
        "Immediate engagement campaign; Personal account manager assignment; "
        "Win-back offer with discount; Product usage training session"
    )
    assert {key: tuple(row[n] for n in names) for key, row in by_name.items()} == {
        "a": (30, 1, "MEDIUM", "Send the planned offer"),
        "b": (30, 0, "LOW", None),
        "c": (30, 1, "CRITICAL", both),
        "d": (30, 1, "CRITICAL", "Call within two days"),
        "e": (30, 1, "HIGH", loyal),
        "f": (30, 1, "HIGH", "Send the planned offer, call if worth more than 500"),
        "g": (30, 0, "LOW", None),
    }
    assert by_name["a"]["confidence_score"] == pytest.approx(abs(0.2 - 0.5) * 2)
    assert by_name["c"]["confidence_score"] == pytest.approx(abs(0.9 - 0.5) * 2)
    for row in by_name.values():
        basis = (row["score_basis"], row["model_name"], row["model_version"])
        assert basis == ("model", "xgboost", "3")
        assert row["top_risk_factor"] == "recency_days"
        places = (row["risk_scheme"], row["risk_percentile"], row["risk_percentile_in_segment"])
        assert places == ("relative", 90, 80)


def test_nobody_scored_is_no_row(frame, rows_of, conf):
    assert rows_of(customer_scores(without_worth(frame, []), 30, "relative", formulas=conf)) == []


def test_worth_comes_from_the_lifetime_of_the_same_customer(frame, rows_of, conf):
    known = frame(
        f"customer_id string, {LIFETIME}",
        [{"customer_id": "a", "clv_12m": 90.0, "value_at_stake": 110.0, "p_alive_basis": "bg_nbd"}],
    )
    rows = with_lifetime(frame(SCORED, [scored("a", 0.2), scored("b", 0.3)]), known)
    customers = rows_of(customer_scores(rows, 30, "relative", formulas=conf))
    names = ("customer_id", "clv_12m", "value_at_stake", "p_alive_basis", "clv_basis")
    assert [tuple(r[n] for n in names) for r in customers] == [
        ("a", 90.0, 110.0, "bg_nbd", None),
        ("b", None, None, None, None),
    ]


@pytest.mark.spark_only
def test_factors_are_ranked_as_they_come_and_say_their_direction(session, tuples_of):
    """Spark only: sqlframe has no posexplode into two columns, and DuckDB scores no model."""
    rows = session.createDataFrame(
        [
            (
                AS_OF,
                "a",
                ["recency_days", "plan", "revenue_30d"],
                [0.5, -0.25, 0.0],
                ["40", "gold", None],
            ),
            (AS_OF, "b", [], [], []),
        ],
        "as_of date, customer_id string, factors array<string>, impacts array<double>, "
        "factor_values array<string>",
    )
    assert tuples_of(risk_factors(rows)) == [
        (AS_OF, "a", 1, "recency_days", "40", 0.5, "increase"),
        (AS_OF, "a", 2, "plan", "gold", -0.25, "decrease"),
        (AS_OF, "a", 3, "revenue_30d", None, 0.0, "decrease"),
    ]


def test_the_rule_counts_who_churned_by_days_of_silence(frame, tuples_of):
    rows = frame("recency_days bigint, churned int", [(1, 0), (1, 1), (1, 0), (40, 1), (None, 1)])
    assert tuples_of(rate_by_recency(rows), "recency_days", "rows", "churned") == [
        (None, 1, 1),
        (1, 3, 0 + 1 + 0),
        (40, 1, 1),
    ]
