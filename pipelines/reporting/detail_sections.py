"""The sections of the engineers' page. None: the section has no data."""

from __future__ import annotations

from models.campaign_pooling import compared_policies
from pipelines.reporting import campaign_texts, model_texts, texts
from pipelines.reporting.charts import Chart, bar_chart
from pipelines.reporting.report_data import Figures, ModelData, ReportData, Row, total
from runtime.feature_words import words
from runtime.formats import share

METRICS = {
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
    "brier": "Brier score",
    "lift_at_10": "Lift in the top 10 %",
    "precision_at_p30": "Precision at p ≥ 0.30",
    "share_at_p30": "Share with p ≥ 0.30",
}
POPULATIONS = {
    "all": "All customers with a purchase before the test date",
    "active_90d": "Customers with a purchase in the 90 days before the test date",
}
MOST_DRIVERS = 15
# Red, green and blue of a move to a worse, a better and the same group.
WORSE, BETTER, SAME = "217,119,6", "13,148,136", "100,116,139"


def moves(data: ReportData) -> Figures:
    """One row per segment of the previous date, one cell per segment of this date."""
    if not data.moves:
        return None
    order = data.segment_order
    customers = {(m["from_segment"], m["to_segment"]): m["customers"] for m in data.moves}
    group = {name: i for i, names in enumerate(data.groups.values()) for name in names}
    rows = []
    for start in [*order, texts.NEW_CUSTOMER]:
        of_row = sum(customers.get((start, end), 0) for end in order)
        if not of_row:
            continue
        cells = []
        for end in order:
            number = customers.get((start, end), 0)
            down = group[end] - group.get(start, group[end])
            colour = WORSE if down > 0 else BETTER if down < 0 else SAME
            # At most .65, so that dark text is readable on all three colours.
            strength = 0.08 + 0.57 * min(max(number / of_row, 0.0), 1.0) if number else 0.0
            cells.append({"customers": number, "colour": f"rgba({colour},{strength:.2f})"})
        rows.append({"segment": start, "customers": of_row, "cells": cells})
    return {"order": order, "rows": rows, "previous": data.moves[0]["previous_as_of"]}


def model_quality(data: ReportData) -> Figures:
    """The champion and the baselines on the test date, and the champion's plots."""
    champion = data.model
    if champion is None:
        return None
    names = [champion.name, *(n for n in model_texts.BASELINES if n != champion.name)]
    tables = []
    for population, title in POPULATIONS.items():
        rows = []
        for name in names:
            cells = [model_texts.figure(champion, name, population, metric=m) for m in METRICS]
            if any(cells):
                version = f" (champion, version {champion.version})"
                model = name + version if name == champion.name else name
                rows.append(
                    (model, [model_texts.value_and_interval(data.form, cell) for cell in cells])
                )
        if rows:
            tables.append((title, rows))
    return {
        "metrics": list(METRICS.values()),
        "tables": tables,
        "calibration": calibration(data, champion),
        "tested_on": model_texts.day_of(data, champion.tested_on),
    }


def calibration(data: ReportData, champion: ModelData) -> Chart | None:
    """Predicted and observed churn by tenth of the customers. None: not measured."""
    tenths = []
    for n in range(1, 11):
        parts = [
            model_texts.figure(champion, champion.name, "all", metric=f"calibration_{n}_{what}")
            for what in ("predicted", "observed")
        ]
        values = [part["value"] for part in parts if part and part["value"] is not None]
        if len(values) == len(parts):
            bars = [(data.form.percent(value), value) for value in values]
            tenths.append((f"tenth {n} by churn probability", bars))
    if not tenths:
        return None
    title = "Predicted and observed churn on the test date"
    return bar_chart("calibration-chart", title, tenths, series=["predicted", "observed"])


def drivers(data: ReportData) -> Figures:
    """The effect of each feature, and whether it raises or lowers the risk."""
    if not data.drivers:
        return None
    scored, everything = total(data.segments, "scored"), total(data.drivers, "strength")
    strongest = data.drivers[0]["strength"] or 1.0
    rows = [
        {
            "feature": words(r["feature"])[0],
            "name": r["feature"],
            "width": r["strength"] / strongest,
            "share": share(r["strength"], everything),
            "impact": share(r["strength"], scored),
            "customers": share(r["customers"], scored),
            "raised": share(r["raised"], r["customers"]),
        }
        for r in data.drivers[:MOST_DRIVERS]
    ]
    return {"rows": rows, "more": len(data.drivers) - len(rows)}


def churn_window(data: ReportData) -> Figures:
    """Purchases after a period without any, and purchases of customers labelled as churned."""
    if not data.silences:
        return None
    by_key = {(r["silent_days"], r["horizon_days"]): r for r in data.silences}
    horizons = sorted({horizon for _, horizon in by_key})
    no_rows = {"rows": 0, "returned": 0}
    return {
        "horizons": horizons,
        "rows": [
            (silent, [by_key.get((silent, horizon), no_rows) for horizon in horizons])
            for silent in sorted({silent for silent, _ in by_key})
        ],
        "first": min(r["first_as_of"] for r in data.silences),
        "last": max(r["last_as_of"] for r in data.silences),
    }


def rfm_misses(data: ReportData) -> Figures:
    """Outcomes of the customers in safe segments, of the lost ones, and of each segment."""
    if data.tested_as_of is None or not data.tested:
        return None
    safe = [r for r in data.tested if r["segment"] in data.safe_segments]
    lost = [r for r in data.tested if r["lifecycle"] == "lost"]
    of_lost = total(lost, "customers")
    model = data.model
    return {
        "verdicts": [
            {
                "verdict": f"safe ({', '.join(data.safe_segments)})",
                "event": "left",
                "customers": total(safe, "customers"),
                "wrong": total(safe, "churned"),
                "revenue": total(safe, "revenue_lost"),
            },
            {
                "verdict": "lost",
                "event": "came back",
                "customers": of_lost,
                "wrong": of_lost - total(lost, "churned"),
                "revenue": None,
            },
        ],
        "rows": [row for name in data.segment_order if (row := _outcome(data, name))],
        "churn_meaning": texts.churn_meaning(data, data.tested_as_of),
        # Scores of a date that the champion was trained on prove nothing.
        "is_trained_on": model is not None and str(data.tested_as_of) in model.trained_on,
    }


def _outcome(data: ReportData, segment: str) -> Row | None:
    """Observed and predicted churn of one segment; None if it had no customers."""
    rows = [r for r in data.tested if r["segment"] == segment]
    customers, churned = total(rows, "customers"), total(rows, "churned")
    if not customers:
        return None
    scored = total(rows, "scored_stayed") + total(rows, "scored_left")
    predicted = total(rows, "p_stayed") + total(rows, "p_left")
    return {
        "segment": segment,
        "customers": customers,
        "churned": churned,
        "observed": share(churned, customers),
        "predicted": share(predicted, scored),
    }


def campaigns(data: ReportData) -> Figures:
    """One row per policy and metric, and one per metric for the difference of the policies.

    `results` has one row per campaign, offer, month and metric.
    """
    rows = [
        (
            campaign_texts.POLICY_NAMES[effect.policy],
            campaign_texts.CAMPAIGN_METRICS[effect.metric][0],
            effect,
            *campaign_texts.effect_and_interval(data.form, effect),
            campaign_texts.verdict(effect),
        )
        for effect in compared_policies(data.campaigns)
    ]
    results = [campaign_texts.result_cells(data.form, r) for r in campaign_texts.newest_first(data)]
    return {"rows": rows, "results": results} if results else None


def about(data: ReportData) -> Figures:
    """The run, the loaded data, the quarantine and the tables with their versions."""
    return {"origin": model_texts.origin(data)}
