"""A whole run over frames in memory, without a champion: tables, page, MLflow and alerts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipelines.monitoring.monitor_run import run, with_features
from runtime.model_registry import Registry
from tests.unit.pipelines.monitoring.conftest import DAY

OLD = DAY - dt.timedelta(days=8)
SCORED = DAY - dt.timedelta(days=37)
FEATURES = ("features.behavior", "features.demographics", "features.transactions")


@pytest.fixture(autouse=True)
def no_spark_session(monkeypatch):
    """MLflow asks the active session for its registry; the session of DuckDB cannot tell."""
    import mlflow.tracking._model_registry.utils as module

    monkeypatch.setattr(module, "_get_active_spark_session", lambda: None)


def decision(customer, is_held_out):
    return {
        **{"customer_id": customer, "as_of": SCORED, "campaign_id": "plan-1", "offer_id": "ten"},
        **{"is_held_out": is_held_out, "send_on": SCORED, "effect": 0.05},
    }


@pytest.fixture
def tables():
    """Receipts end eight days before DAY. `left` was called safe on SCORED and did not return."""
    bought = [("stayed", SCORED), ("stayed", OLD), ("left", SCORED - dt.timedelta(days=9))]
    score = {"as_of": SCORED, "churn_probability": 0.1, "churn_prediction": 0, "risk_level": "LOW"}
    keys = [{"customer_id": c, "as_of": SCORED} for c in ("left", "stayed")]
    sent = {"campaign_id": "plan-1", "offer_id": "ten", "customer_id": "stayed"}
    return {
        "silver.transactions": [
            {"customer_id": c, "purchased_at": f"{day} 12:00:00", "amount": 1} for c, day in bought
        ],
        "gold.customer_scores": [{**score, "customer_id": k["customer_id"]} for k in keys],
        "gold.customer_segments": [
            {**k, "lifecycle": "active", "recency_days": 9, "frequency": 3} for k in keys
        ],
        "gold.risk_factors": [],
        "gold.offer_decisions": [decision("stayed", False), decision("left", True)],
        "gold.outbox": [sent],
        **{name: keys for name in FEATURES},
    }


def written(made):
    """The rows of each table that the run wrote."""
    return {
        w.table.name: [r.asDict() for r in w.frame.select(*w.table.column_names).collect()]
        for w in made.lake.writes
    }


def test_a_run_writes_its_tables_and_raises_alerts(context, tables):
    made = context(tables)
    run(made)
    rows = written(made)
    assert set(rows) == {
        "gold.drift",
        "gold.model_performance",
        "gold.surprise_leavers",
        "gold.decision_ledger",
        "gold.promise_results",
        "gold.alerts",
    }
    fresh = {r["statistic"]: r for r in rows["gold.drift"]}["freshness_days"]
    assert (fresh["feature"], fresh["value"], fresh["is_alert"]) == ("silver.transactions", 8, True)
    # One of two left: ROC AUC .5 of two equal probabilities, Brier (.81 + .01) / 2.
    figures = {r["metric"]: r["value"] for r in rows["gold.model_performance"]}
    assert figures == pytest.approx({"roc_auc": 0.5, "brier": 0.41, "churn_rate": 0.5})
    [leaver] = rows["gold.surprise_leavers"]
    assert (leaver["customer_id"], leaver["left_on"]) == ("left", SCORED - dt.timedelta(days=9))
    outcomes = {r["customer_id"]: r["outcome_value"] for r in rows["gold.decision_ledger"]}
    assert outcomes == {"stayed": 1.0, "left": 0.0}
    assert {(r["treated"], r["held_out"], r["is_kept"]) for r in rows["gold.promise_results"]} == {
        (1, 1, None)
    }
    [alert] = rows["gold.alerts"]
    assert alert["message"] == (
        "silver.transactions: the newest row is 8 days old (monitoring.freshness_days 7)."
    )
    assert alert["sent_to"] is None
    assert alert["message"] in Path(made.settings.root / "monitoring.html").read_text()


def test_a_run_is_recorded_in_mlflow(context, tables):
    made = context(tables)
    run(made)
    registry = Registry(made.settings)
    [recorded] = registry.client.search_runs([registry.experiment_id()])
    assert recorded.info.run_name == "monitor-2018-03-01"
    assert recorded.data.metrics["realised.roc_auc"] == 0.5
    assert recorded.data.metrics["alerts"] == 1  # the old receipts


def test_the_newest_day_with_features_is_monitored_if_asked(context, tables, capsys):
    """The features are of SCORED; the tables are written for that day and not for DAY."""
    made = context(tables)
    run(made, is_newest=True)
    assert f"as_of {SCORED}: the newest day with features" in capsys.readouterr().out
    days = {r["as_of"] for rows in written(made).values() for r in rows if "as_of" in r}
    assert days == {SCORED}


@pytest.mark.parametrize("built", [[DAY, SCORED], [DAY + dt.timedelta(days=1), DAY], []])
def test_the_day_itself_is_monitored_if_it_has_features_or_no_day_has(context, tables, built):
    rows = [{"customer_id": "left", "as_of": day} for day in built]
    made = context({**tables, "features.transactions": rows})
    assert with_features(made).as_of == DAY
    without = {n: t for n, t in tables.items() if not n.startswith("features")}
    assert with_features(context(without)).as_of == DAY
