"""Report data as small as possible: EMPTY has no data, FULL has data for every section."""

import dataclasses
import datetime as dt

from pipelines.reporting.report_data import ModelData, ReportData

AS_OF, BEFORE, TOMORROW = dt.date(2018, 1, 1), dt.date(2017, 12, 2), dt.date(2018, 1, 2)
GROUPS = {
    "High-value": ["Champions"],
    "Loyal": ["Loyal Customers", "Potential Loyalists"],
    "New": ["New Customers", "Promising", "Prospects"],
    "At-risk": ["Need Attention", "About To Sleep", "At Risk", "Can't Lose Them"],
    "Hibernating": ["Hibernating", "Lost"],
}
ORDER = [name for names in GROUPS.values() for name in names]
EMPTY = ReportData(
    env="demo",
    root="lakehouse",
    code="0123456789ab",
    as_of=AS_OF,
    time_zone="UTC",
    horizon_days=30,
    lead_days=0,
    definition="inactivity",
    rfm_days=365,
    active_days=30,
    silent_days=90,
    groups=GROUPS,
    levels=["CRITICAL", "HIGH", "MEDIUM", "LOW"],
    mismatch_p_value=0.01,
)


def segment(name, customers=0, revenue=0.0, scored=0, probability=0.0, at_risk=0.0):
    return {
        "segment": name,
        "segment_group": next(g for g, names in GROUPS.items() if name in names),
        "customers": customers,
        "revenue": revenue,
        "scored": scored,
        "probability": probability,
        "at_stake": 4 * at_risk,
        "at_risk": at_risk,
    }


def figure(model, population, metric, value, low=None, high=None):
    return {
        "model_name": model,
        "population": population,
        "metric": metric,
        "value": value,
        "ci_low": low,
        "ci_high": high,
    }


def customer(name, at_risk, factors=(), actions=None, offer=None, basis="model"):
    return {
        "customer_id": name,
        "segment": "At Risk",
        "risk_level": "HIGH",
        "churn_probability": 0.5,
        "at_stake": 2 * at_risk,
        "at_risk": at_risk,
        "recommended_actions": actions,
        "score_basis": basis,
        "offer_id": offer,
        "send_on": TOMORROW if offer else None,
        "why": "Leaves within 30 days with 50.0 %." if offer else None,
        "factors": [{"feature": f, "value": v} for f, v in factors],
    }


def strategy(name, chosen, kept=None, cost=None, low=None, high=None):
    """A row of gold.strategy_comparison. The interval is that of the net value."""
    return {
        "strategy": name,
        "other_strategy": name,
        "chosen": chosen,
        "value_kept": kept,
        "cost": cost,
        "net_value_kept": None if kept is None else kept - cost,
        "ci_low": low,
        "ci_high": high,
        "assumption": "assumed in conf, not measured",
    }


def outcome(name, lifecycle, customers, churned):
    unscored = dict.fromkeys(("scored_stayed", "scored_left", "p_stayed", "p_left"))
    row = {"segment": name, "lifecycle": lifecycle, "customers": customers, "churned": churned}
    return row | unscored | {"revenue_lost": 10.0}


def silence(silent, horizon, rows, returned):
    dates = {"first_as_of": BEFORE, "last_as_of": BEFORE, "rows": rows, "returned": returned}
    return {"silent_days": silent, "horizon_days": horizon} | dates


FULL = dataclasses.replace(
    EMPTY,
    tables=[
        {"table": "gold.customer_scores", "rows": 8, "is_for_as_of": True, "version": 3},
        {"table": "silver.transactions", "rows": 1234, "is_for_as_of": False, "version": 0},
    ],
    lifecycles={"active": 5, "silent": 3, "lost": 2},
    origins=[
        {"score_basis": basis, "model_name": "xgboost", "model_version": "4", "customers": n}
        for basis, n in (("cold_start", 1), ("model", 7))
    ],
    at_risk_unit="money",
    list_source="retention_plan",
    default_strategy="net_value",
    listed=9,
    listed_at_risk=450.0,
    customers=[
        customer(
            "c1", 300.0, [("recency_days", "45"), ("age_band", "45-54")], "Call; Write", "ten"
        ),
        customer("c2", 98.0, actions="Send the planned offer", offer="ten"),
        customer("c3", 97.0, basis="cold_start"),
        *[customer(f"c{n}", 100.0 - n) for n in range(4, 8)],
    ],
    strategies=[
        strategy("churn_probability", 9, 900.0, 600.0, 100.0, 500.0),
        strategy("net_value", 9, 800.0, 100.0, 450.0, 950.0),
    ],
    segments=[
        segment("Champions", 5, 4000.0, 5, 0.5, 100.0),
        *[segment(name) for name in ORDER[1:8]],
        segment("At Risk", 3, 1000.0, 3, 1.5, 900.0),
        *[segment(name) for name in ORDER[9:11]],
        segment("Lost", 2),
    ],
    moves=[
        {"from_segment": a, "to_segment": b, "customers": n, "previous_as_of": BEFORE}
        for a, b, n in (
            ("Champions", "Champions", 4),
            ("Champions", "At Risk", 3),
            ("Lost", "Champions", 1),
            ("At Risk", "Lost", 2),
            ("New customer", "Promising", 9),
        )
    ],
    model=ModelData(
        name="xgboost",
        version="4",
        trained_on=("2017-10-03", "2017-11-02"),
        tested_on="2017-12-02",
        promotion="ROC AUC +0.05",
        figures=[
            figure("xgboost", "all", "roc_auc", 0.9, 0.88, 0.92),
            figure("xgboost", "active_90d", "roc_auc", 0.8, 0.78, 0.82),
            figure("xgboost", "all", "brier", 0.0812, 0.08, 0.09),
            figure("recency_only", "all", "roc_auc", 0.85, 0.83, 0.87),
            figure("recency_only", "active_90d", "roc_auc", 0.7, 0.68, 0.72),
            figure("everyone_stays", "all", "roc_auc", 0.5),
        ],
        plots={"roc.png": b"\x89PNG"},
    ),
    drivers=[
        {"feature": "recency_days", "customers": 6, "raised": 3, "strength": 4.0},
        {"feature": "plan", "customers": 2, "raised": 0, "strength": 1.0},
    ],
    silences=[
        silence(0, 30, 100, 90),
        silence(30, 30, 20, 12),
        silence(90, 30, 10, 4),
        silence(30, 60, 20, 16),
    ],
    returns=[
        {"horizon_days": 30, "later_days": 60, "rows": 90, "leavers": 10, "returned": 6},
        {"horizon_days": 60, "later_days": 90, "rows": 90, "leavers": 5, "returned": 1},
    ],
    tested_as_of=BEFORE,
    tested=[
        outcome("Champions", "active", 8, 2)
        | {"scored_stayed": 6, "scored_left": 2, "p_stayed": 0.6, "p_left": 0.8},
        outcome("Lost", "lost", 4, 3),
    ],
    sources=[
        {
            "source": "transactions",
            "files": 2,
            "rows_in": 200,
            "rows_kept": 185,
            "rows_quarantined": 7,
            "rows_duplicate": 3,
            "rows_left_out": 5,
        }
    ],
    quarantined=[{"source": "transactions", "reasons": "amount_not_null", "rows": 7}],
)
