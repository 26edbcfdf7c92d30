"""Models: how good they are, and what their errors mean."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd
import streamlit as st

from app import charts
from app.data.model_results import results
from app.lake import Row
from app.session import Session
from app.text import heading, say, table, title

# Columns of the comparison: metric -> heading and decimals.
SHOWN = {
    "roc_auc": ("ROC AUC", 3),
    "average_precision": ("Average precision", 3),
    "lift_at_10": ("Lift at 10 %", 1),
    "lift_at_20": ("Lift at 20 %", 1),
    "log_loss": ("Log loss", 3),
    "brier": ("Brier score", 3),
}
MATRIX = ("true_positives", "false_positives", "false_negatives", "true_negatives")


def show(session: Session) -> None:
    """Draw the page."""
    rows = results(session.lake, session.horizon)
    if not rows:
        title("No model has been trained yet")
        say("Run train_churn, then load this page again.")
        return
    by_model: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_model.setdefault(row["model_name"], {})[row["metric"]] = row
    registered = next((r["model_name"] for r in rows if r["model_version"] != "-"), None)
    best = registered or max(by_model, key=lambda name: value(by_model[name], "roc_auc") or 0)
    form = session.form
    lift = value(by_model[best], "lift_at_10")
    title(
        f"{words(best)} finds {form.fixed(lift, 1)} times as many leavers as chance in its top "
        "10 %",
        f"Trained {form.moment(rows[0]['trained_at'])}, tested on customers of "
        f"{form.date(rows[0]['test_on'])} that it had not seen, {session.horizon} days ahead.",
    )
    show_comparison(session, by_model, best)
    show_calibration(session, by_model[best])
    show_matrix(session, by_model[best])


def words(name: str) -> str:
    """A model's name in words."""
    return {"xgboost": "XGBoost", "rfm_logistic": "RFM logistic regression"}.get(
        name, name.replace("_", " ").capitalize()
    )


def value(metrics: Mapping[str, Row], name: str) -> float | None:
    """The value of a metric; None: not measured."""
    return metrics[name]["value"] if name in metrics else None


def show_comparison(session: Session, by_model: Mapping[str, Mapping[str, Row]], best: str) -> None:
    """The models side by side, ROC AUC with its interval."""
    form = session.form
    heading("Models compared on the same customers")
    order = sorted(by_model, key=lambda name: -(value(by_model[name], "roc_auc") or 0))
    lines = []
    for name in order:
        metrics = by_model[name]
        area = metrics.get("roc_auc", {})
        line = {"Model": f"{words(name)} (in use)" if name == best else words(name)}
        for metric, (label, digits) in SHOWN.items():
            line[label] = form.fixed(value(metrics, metric), digits)
            if metric == "roc_auc":
                line["95 % interval"] = (
                    f"{form.fixed(area['ci_low'])} to {form.fixed(area['ci_high'])}"
                    if area.get("ci_low") is not None
                    else "-"
                )
        lines.append(line)
    table(lines)
    st.caption(
        "ROC AUC: 0.5 is chance, 1 is perfect. Lift: leavers found in that part of the customers, "
        "against a random part of the same size. Log loss and Brier score: lower is better."
    )


def show_calibration(session: Session, metrics: Mapping[str, Row]) -> None:
    """Predicted against observed churn by decile."""
    points = [
        {"predicted": p, "observed": o}
        for k in range(1, 11)
        if (p := value(metrics, f"calibration_{k}_predicted")) is not None
        and (o := value(metrics, f"calibration_{k}_observed")) is not None
    ]
    if not points:
        return
    form = session.form
    error = value(metrics, "expected_calibration_error")
    off = None if error is None else 100 * error
    heading(f"Probabilities are off by {form.fixed(off, 1)} percentage points on average")
    top = max(max(p.values()) for p in points)
    percent = alt.Axis(format=".0%")
    dots = (
        alt.Chart(pd.DataFrame(points))
        .mark_point(color=charts.BLUE, filled=True, opacity=1, size=70)
        .encode(
            x=alt.X("predicted", title="Predicted churn probability, by decile", axis=percent),
            y=alt.Y("observed", title="Share that left", axis=percent),
            tooltip=[alt.Tooltip(n, format=".1%") for n in ("predicted", "observed")],
        )
    )
    line = (
        alt.Chart(pd.DataFrame({"predicted": [0, top], "observed": [0, top]}))
        .mark_line(color=charts.ORANGE, strokeDash=[4, 4])
        .encode(x="predicted", y="observed")
    )
    told = "; ".join(f"{p['predicted']:.1%} predicted, {p['observed']:.1%} left" for p in points)
    charts.show(alt.layer(line, dots), told)
    st.caption("On the dashed line predicted and observed agree.")


def show_matrix(session: Session, metrics: Mapping[str, Row]) -> None:
    """The confusion matrix in words."""
    errors = {name: v for name in MATRIX if (v := value(metrics, name)) is not None}
    if len(errors) < len(MATRIX):
        return
    form = session.form
    leavers = errors["true_positives"] + errors["false_negatives"]
    called = errors["true_positives"] + errors["false_positives"]
    heading("What its errors mean")
    say(
        f"It called {form.count(called, 'customer')} leavers at the threshold "
        f"{form.percent(value(metrics, 'threshold'))}; {form.whole(errors['true_positives'])} of "
        f"them did leave and {form.whole(errors['false_positives'])} stayed, and would "
        "have been sent an offer for nothing."
    )
    say(
        f"{form.count(leavers, 'customer')} left; it missed "
        f"{form.whole(errors['false_negatives'])}. "
        f"{form.whole(errors['true_negatives'])} were left alone and stayed."
    )
