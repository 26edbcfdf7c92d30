"""Lifetime models beside the classifiers, on the same labels: rows of gold.model_comparison."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from models.btyd.choice import fitted
from models.btyd.rows import NotFittableError
from models.calibration import Calibration, CalibrationError, to_log_odds
from models.metrics import (
    CALIBRATION_CURVE,
    METRICS,
    bootstrap_weights,
    estimates,
    stable_seed,
)
from models.survival.portable import LifetimeModel
from pipelines.lifetime.btyd_fits import Row, check, fit_of
from pipelines.lifetime.landmarks import Landmarks
from pipelines.lifetime.summaries import Summaries
from pipelines.lifetime.survival_fits import Staying, fits_of
from runtime.context import Context

# Customers compared on the driver, chosen by hash: metrics of 200,000 are exact to a thousandth.
MOST_ROWS = 200_000
# So many like them make a rate; with fewer the rate of all is the better guess.
FEWEST_OF_A_KIND = 30


def compare(
    context: Context, summaries: Summaries, landmarks: Landmarks, day: dt.date
) -> list[Row]:
    """One row a (model, population, metric): P(no purchase within the horizon) on labels of `day`.

    1 - P(alive) would rank one-time buyers as the safest under BG/NBD (they have P(alive) = 1), so
    the score is the probability of what the label says; roc_auc_p_alive stands beside it.
    """
    for name in ("features.labels", "features.transactions"):
        if not context.has(name):
            return []
    test = labelled(context, summaries, day)
    if not 0 < test["churned"].sum() < len(test):
        return []
    rows = [
        row
        for name in context.settings.lifetime.models
        for row in _of_purchases(context, summaries, day, name, test)
    ]
    return rows + _of_staying(context, landmarks, day, test)


def labelled(context: Context, summaries: Summaries, day: dt.date) -> pd.DataFrame:
    """The summary of a day's customers with `churned`, sorted by customer; at most MOST_ROWS."""
    horizon = context.settings.churn.primary_horizon_days
    labels = context.read("features.labels").where(
        f"as_of = DATE'{day}' AND horizon_days = {horizon}"
    )
    recent = context.slice("features.transactions", day)
    rows = summaries.of_day(summaries.summary, day).join(
        labels.select("customer_id", "churned"), on="customer_id", how="inner"
    )
    rows = rows.join(recent.select("customer_id", "purchases_90d"), on="customer_id", how="inner")
    return _on_driver(rows)


def _on_driver(rows: Any) -> pd.DataFrame:
    """At most MOST_ROWS customers, chosen by hash, sorted by customer."""
    from pyspark.sql import functions as F

    chosen = rows.orderBy(F.xxhash64("customer_id"), "customer_id").limit(MOST_ROWS).toPandas()
    return chosen.sort_values("customer_id").reset_index(drop=True)


def _of_purchases(
    context: Context, summaries: Summaries, day: dt.date, name: str, test: pd.DataFrame
) -> list[Row]:
    """A BTYD model fitted on the purchases before the day."""
    settings = context.settings
    whole = summaries.purchases(day)
    try:
        check(whole, settings.lifetime)
        model = fitted(name, fit_of(whole, name))
    except NotFittableError:
        return []
    x, recency, T = (
        test[c].astype(float).to_numpy() for c in ("frequency", "recency_days", "T_days")
    )
    lead, horizon = settings.churn.lead_days, settings.churn.primary_horizon_days
    silent = model.p_no_purchase(x, recency, T, horizon, lead)
    left = 1 - model.p_alive(x, recency, T)
    return _rows(context, name, test, silent, {"roc_auc_p_alive": left})


def _of_staying(
    context: Context, landmarks: Landmarks, day: dt.date, test: pd.DataFrame
) -> list[Row]:
    """Survival models as of the last landmark whose label had passed by the day.

    They foretell when silence grows too long, or a contract ends; the label asks for no purchase
    within the horizon. So their probability of leaving within it is put on the scale of that
    landmark's labels (Platt), which came after the fit; customers who had left already have the
    rate of their like there.
    """
    churn = context.settings.churn
    before = next((d for d in reversed(landmarks.dates) if d + churn.wait <= day), None)
    seen = landmarks.seen(before) if before else None
    fewest = context.settings.lifetime.survival.fewest_events
    if before is None or seen is None or seen.events < fewest or not len(landmarks.alive(day)):
        return []
    known = context.read("features.labels").where(
        f"as_of = DATE'{before}' AND horizon_days = {churn.primary_horizon_days}"
    )
    past = landmarks.on_driver[before].merge(
        _on_driver(known.select("customer_id", "churned")), on="customer_id"
    )
    test = test[test["customer_id"].isin(landmarks.on_driver[day]["customer_id"])]
    now = test[["customer_id"]].merge(landmarks.on_driver[day], on="customer_id")
    found: list[Row] = []
    for name, model in fits_of(context, seen, Staying()).items():
        scores = on_scale_of_labels(model, past, now, churn.primary_horizon_days)
        if scores is not None:
            found += _rows(context, name, test, scores, {})
    return found


def on_scale_of_labels(
    model: LifetimeModel, past: pd.DataFrame, now: pd.DataFrame, horizon: int
) -> Any | None:
    """P(churned) of each row of `now`, by labels of `past`; None: one class only is there."""
    is_here = past["entry_days"].notna()
    label = past["churned"].to_numpy(dtype=float)
    try:
        curve = Calibration.fit(_log_odds(model, past[is_here], horizon), label[is_here], "platt")
    except CalibrationError:
        return None
    gone = label[~is_here]
    rate = gone.mean() if len(gone) >= FEWEST_OF_A_KIND else label.mean()
    found = np.full(len(now), rate)
    here = now["entry_days"].notna().to_numpy()
    found[here] = curve.apply(_log_odds(model, now[here], horizon))
    return found


def _log_odds(model: LifetimeModel, rows: pd.DataFrame, horizon: int) -> Any:
    return to_log_odds(1 - model.conditional_survival(rows, np.array([horizon]))[:, 0])


def _rows(
    context: Context, name: str, test: pd.DataFrame, scores: Any, rankings: dict[str, Any]
) -> list[Row]:
    """All metrics of a probability, and the ROC AUC of further rankings, by population."""
    found: list[Row] = []
    populations = {"all": np.ones(len(test), bool), "active_90d": (test["purchases_90d"] > 0)}
    for population, mask in populations.items():
        part = np.asarray(mask)
        label = test["churned"].to_numpy(dtype=float)[part]
        samples = context.settings.training.bootstrap_samples
        weights = bootstrap_weights(
            test["customer_id"][part].tolist(), samples, stable_seed(population)
        )
        measured = estimates(label, scores[part], 0.5, weights, {**METRICS, **CALIBRATION_CURVE})
        for metric, ranking in rankings.items():
            alone = {metric: METRICS["roc_auc"]}
            measured |= estimates(label, ranking[part], 0.5, weights, alone)
        for metric, estimate in measured.items():
            facts = {"model_name": name, "population": population, "split": "test"}
            ends = {"ci_low": estimate.low, "ci_high": estimate.high}
            found.append({**facts, "metric": metric, "value": estimate.value, **ends})
    return found
