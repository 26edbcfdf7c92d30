"""Each metric computed by DuckDB on rows whose result is known on paper."""

from __future__ import annotations

import duckdb
import pytest

from contracts import catalog
from contracts.gold_metrics import METRIC_VIEWS

VIEWS = {view.name: view for view in METRIC_VIEWS}


def computed(name, rows, by):
    """The measures of a metric view by the dimensions `by`, over rows of some columns."""
    view, table = VIEWS[name], catalog.tables()[VIEWS[name].source]
    box = duckdb.connect()
    columns = ", ".join(f"{c.name} {c.type.replace('string', 'text')}" for c in table.columns)
    box.execute(f"CREATE TABLE source ({columns})")
    for row in rows:
        names = ", ".join(f'"{n}"' for n in row)
        box.execute(
            f"INSERT INTO source ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values())
        )
    keys = ", ".join(f'"{n}"' for n in by)
    measures = ", ".join(f"{m.expr} AS {m.name}" for m in view.measures)
    where = f"WHERE {view.condition}" if view.condition else ""
    sql = f"SELECT {keys}, {measures} FROM source {where} GROUP BY {keys} ORDER BY {keys}"
    result = box.execute(sql)
    names = [d[0] for d in result.description]
    return [dict(zip(names, values, strict=True)) for values in result.fetchall()]


def test_retention():
    rows = [
        {
            "risk_level": "HIGH",
            "churn_prediction": 1,
            "churn_probability": 0.8,
            "value_at_stake": 100.0,
        },
        {
            "risk_level": "HIGH",
            "churn_prediction": 1,
            "churn_probability": 0.6,
            "value_at_stake": None,
        },
        {
            "risk_level": "LOW",
            "churn_prediction": 0,
            "churn_probability": 0.1,
            "value_at_stake": 50.0,
        },
    ]
    high, low = computed("gold.retention_metrics", rows, ["risk_level"])
    assert high == {
        "risk_level": "HIGH",
        "customers": 2,
        "customers_at_risk": 2,
        "at_risk_share": 1.0,
        "mean_churn_probability": pytest.approx((0.8 + 0.6) / 2),
        "value_at_stake": 100.0,
        "expected_loss": pytest.approx(0.8 * 100),
    }
    assert (low["customers_at_risk"], low["at_risk_share"]) == (0, 0.0)
    assert low["expected_loss"] == pytest.approx(0.1 * 50)


def test_segments():
    rows = [
        {"segment": "Champions", "lifecycle": "active", "monetary": 10.0},
        {"segment": "Champions", "lifecycle": "silent", "monetary": 30.0},
        {"segment": "Lost", "lifecycle": "lost", "monetary": 0.0},
    ]
    assert computed("gold.segment_metrics", rows, ["segment"]) == [
        {"segment": "Champions", "customers": 2, "active_share": 0.5, "revenue": 40.0},
        {"segment": "Lost", "customers": 1, "active_share": 0.0, "revenue": 0.0},
    ]


def test_offers():
    sent = {"offer_id": "a", "is_held_out": False, "expected_cost": 2.0, "expected_gain": 5.0}
    rows = [
        {"campaign_id": "p", **sent},
        {"campaign_id": "p", **sent, "expected_gain": None},
        {"campaign_id": "p", **sent, "is_held_out": True},
        {"campaign_id": "p", "offer_id": None, "is_held_out": False},
    ]
    assert computed("gold.offer_metrics", rows, ["campaign_id"]) == [
        {
            "campaign_id": "p",
            "customers": 4,
            "offers": 2,
            "held_out": 1,
            "expected_cost": 2.0 + 2.0,
            "expected_gain": 5.0,
        }
    ]


def test_campaigns_count_conversions_of_all_segments_once():
    row = {"campaign_id": "p", "metric": "conversion", "segment": "all"}
    rows = [
        {**row, "month": "2018-01", "treated": 100, "held_out": 10, "effect": 0.1},
        {**row, "month": "2018-02", "treated": 300, "held_out": 30, "effect": 0.02},
        {**row, "segment": "Champions", "treated": 50, "held_out": 5, "effect": 0.5},
        {**row, "metric": "retained_revenue", "treated": 100, "held_out": 10, "effect": 7.0},
    ]
    assert computed("gold.campaign_metrics", rows, ["campaign_id"]) == [
        {
            "campaign_id": "p",
            "treated": 100 + 300,
            "held_out": 10 + 30,
            "extra_conversions": pytest.approx(100 * 0.1 + 300 * 0.02),
            "mean_effect": pytest.approx((100 * 0.1 + 300 * 0.02) / 400),
        }
    ]


def test_a_campaign_that_nobody_was_sent_has_no_mean_effect():
    row = {"campaign_id": "p", "metric": "conversion", "segment": "all"}
    (only,) = computed(
        "gold.campaign_metrics",
        [{**row, "treated": 0, "held_out": 9, "effect": 0.0}],
        ["campaign_id"],
    )
    assert only["mean_effect"] is None


def test_alerts():
    rows = [
        {"severity": "critical", "sent_to": "log"},
        {"severity": "critical", "sent_to": None},
        {"severity": "warning", "sent_to": "log"},
    ]
    assert computed("gold.alert_metrics", rows, ["severity"]) == [
        {"severity": "critical", "alerts": 2, "unsent": 1},
        {"severity": "warning", "alerts": 1, "unsent": 0},
    ]


def test_the_model_gate():
    rows = [
        {"model_name": "churn", "comparison": c, "check_name": k, "is_passed": p, "is_accepted": a}
        for c, k, p, a in [
            ("churn/1 against - on 2017-12-02", "signal", True, True),
            ("churn/2 against 1 on 2017-12-02", "signal", True, False),
            ("churn/2 against 1 on 2017-12-02", "brier_rise", False, False),
        ]
    ]
    assert computed("gold.model_gate_metrics", rows, ["model_name"]) == [
        {"model_name": "churn", "checks": 3, "failed_checks": 1, "refused_models": 1}
    ]


@pytest.mark.parametrize("name", VIEWS)
def test_every_dimension_is_a_column_and_an_empty_table_has_no_row(name):
    view = VIEWS[name]
    assert set(view.dimensions) <= set(catalog.tables()[view.source].column_names)
    assert computed(name, [], list(view.dimensions)) == []
