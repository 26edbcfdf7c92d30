"""Lifetime models compared with the classifiers on the same labels: gold.model_comparison."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from models.btyd.choice import Btyd, fitted
from models.btyd.rows import Array
from models.calibration import Calibration, to_log_odds
from models.fit_attempts import LEFT_OUT, LeftOut, fit_or_reason
from models.metrics import (
    CALIBRATION_CURVE,
    METRICS,
    bootstrap_weights,
    estimates,
    stable_seed,
)
from models.survival.portable import LifetimeModel
from pipelines.lifetime.btyd_fits import check, fit_of
from pipelines.lifetime.landmarks import Landmarks
from pipelines.lifetime.model_rows import Row
from pipelines.lifetime.summaries import Summaries
from pipelines.lifetime.survival_fits import fits_of
from runtime.context import Context
from runtime.settings import Settings
from transforms.samples import hash_sample

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Customers in the comparison, a sample by hash. With 200,000 the metrics are exact to 0.001.
MOST_ROWS = 200_000
# Customers who had left get their own churn rate if there are as many; otherwise the rate of all.
FEWEST_LEFT = 30


def compare(
    context: Context, summaries: Summaries, landmarks: Landmarks, *, day: dt.date
) -> list[Row]:
    """One row per (model, population, metric), on the customers and labels of `day`.

    The predicted probability is P(no purchase within the horizon), as in the definition of the
    label. 1 - P(alive) would rank one-time buyers as the safest customers under BG/NBD, because
    they have P(alive) = 1. It is reported separately as roc_auc_p_alive.
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
        for row in _of_btyd(context.settings, summaries, day, name=name, test=test)
    ]
    rows += _of_survival(context, landmarks, day, test)
    return [{**row, "test_on": day.isoformat()} for row in rows]


def labelled(context: Context, summaries: Summaries, day: dt.date) -> pd.DataFrame:
    """The summary of a day with churned and purchases_90d; at most MOST_ROWS customers, sorted."""
    recent = context.slice("features.transactions", day).select("customer_id", "purchases_90d")
    rows = summaries.summary_at(day).join(_labels(context, day), on="customer_id", how="inner")
    return _on_driver(rows.join(recent, on="customer_id", how="inner"))


def _labels(context: Context, day: dt.date) -> DataFrame:
    """customer_id and churned within the primary horizon."""
    horizon = context.settings.churn.primary_horizon_days
    labels = context.slice("features.labels", day).where(f"horizon_days = {horizon}")
    return labels.select("customer_id", "churned")


def _on_driver(rows: DataFrame) -> pd.DataFrame:
    """At most MOST_ROWS customers, sampled by hash, sorted by customer."""
    sample: pd.DataFrame = hash_sample(rows, ["customer_id"], MOST_ROWS).toPandas()
    return sample.sort_values("customer_id").reset_index(drop=True)


def _of_btyd(
    settings: Settings, summaries: Summaries, day: dt.date, *, name: str, test: pd.DataFrame
) -> list[Row]:
    """A BTYD model fitted on the purchases before the day; one row if it cannot be fitted."""

    def fitted_then() -> Btyd:
        purchases = summaries.purchases(day)
        check(purchases, settings.lifetime)
        return fitted(name, fit_of(purchases, name))

    model = fit_or_reason(fitted_then)
    if isinstance(model, LeftOut):
        return [left_out(name, model.reason)]
    x, recency, T = (
        test[c].astype(float).to_numpy() for c in ("frequency", "recency_days", "T_days")
    )
    lead, horizon = settings.churn.lead_days, settings.churn.primary_horizon_days
    silent = model.p_no_purchase(x, recency, T, days=horizon, lead_days=lead)
    p_left = 1 - model.p_alive(x, recency, T)
    return _rows(settings, name, test, scores=silent, rankings={"roc_auc_p_alive": p_left})


def _of_survival(
    context: Context, landmarks: Landmarks, day: dt.date, test: pd.DataFrame
) -> list[Row]:
    """The survival models, fitted on the last landmark whose label had passed by the day.

    They predict when a customer falls silent for too long or a contract ends. The label states
    whether there is no purchase within the horizon. So the probability of leaving within the
    horizon is calibrated on that landmark's labels (Platt), which the fit did not use. Customers
    who had already left get the churn rate of such customers on that landmark.
    """
    churn = context.settings.churn
    before = next((d for d in reversed(landmarks.dates) if d + churn.wait <= day), None)
    seen = landmarks.seen(before) if before else None
    fewest = context.settings.lifetime.survival.fewest_events
    if before is None or seen is None or seen.events < fewest or not len(landmarks.alive(day)):
        return []
    labels = _on_driver(_labels(context, before))
    past = landmarks.on_driver[before].merge(labels, on="customer_id")
    test = test[test["customer_id"].isin(landmarks.on_driver[day]["customer_id"])]
    now = test[["customer_id"]].merge(landmarks.on_driver[day], on="customer_id")
    fits = fits_of(context.settings, seen)
    rows = [left_out(name, reason) for name, reason in fits.left_out.items()]
    for name, model in fits.models.items():
        scores = fit_or_reason(
            partial(on_scale_of_labels, model, past, now, horizon=churn.primary_horizon_days)
        )
        if isinstance(scores, LeftOut):
            rows.append(left_out(name, scores.reason))
        else:
            rows += _rows(context.settings, name, test, scores=scores, rankings={})
    return rows


def left_out(name: str, reason: str) -> Row:
    """The row of a model that could not be fitted or calibrated for the comparison."""
    key = {"model_name": name, "population": "all", "split": "test", "metric": LEFT_OUT}
    return {**key, "value": None, "ci_low": None, "ci_high": None, "reason": reason}


def not_compared(rows: Sequence[Row]) -> list[str]:
    """A warning for each model that has no metrics on the test date of the classifiers."""
    return [
        f"{row['model_name']} is left out of the comparison with the classifiers: {row['reason']}"
        for row in rows
        if row["metric"] == LEFT_OUT
    ]


def on_scale_of_labels(
    model: LifetimeModel, past: pd.DataFrame, now: pd.DataFrame, *, horizon: int
) -> Array:
    """P(churned) of each row of `now`, calibrated on `past`.

    Raises CalibrationError where the labels of `past` have one class.
    """
    was_alive = past["entry_days"].notna()
    label = past["churned"].to_numpy(dtype=float)
    log_odds = _log_odds(model, past[was_alive], horizon)
    curve = Calibration.fit(log_odds, label[was_alive], "platt")
    left = label[~was_alive]
    rate = left.mean() if len(left) >= FEWEST_LEFT else label.mean()
    scores: Array = np.full(len(now), rate)
    is_alive = now["entry_days"].notna().to_numpy()
    scores[is_alive] = curve.apply(_log_odds(model, now[is_alive], horizon))
    return scores


def _log_odds(model: LifetimeModel, rows: pd.DataFrame, horizon: int) -> Array:
    return to_log_odds(1 - model.conditional_survival(rows, np.array([horizon]))[:, 0])


def _rows(
    settings: Settings,
    name: str,
    test: pd.DataFrame,
    *,
    scores: Array,
    rankings: Mapping[str, Array],
) -> list[Row]:
    """All metrics of a probability, and the ROC AUC of each further ranking, by population."""
    rows: list[Row] = []
    populations = {"all": np.ones(len(test), bool), "active_90d": (test["purchases_90d"] > 0)}
    for population, mask in populations.items():
        part = np.asarray(mask)
        if not part.any():
            continue
        label = test["churned"].to_numpy(dtype=float)[part]
        samples = settings.training.bootstrap_samples
        weights = bootstrap_weights(
            test["customer_id"][part].tolist(), samples, stable_seed(population)
        )
        measured = estimates(
            label, scores[part], 0.5, weights=weights, measures={**METRICS, **CALIBRATION_CURVE}
        )
        for metric, ranking in rankings.items():
            alone = {metric: METRICS["roc_auc"]}
            measured |= estimates(label, ranking[part], 0.5, weights=weights, measures=alone)
        key = {"model_name": name, "population": population, "split": "test"}
        rows += [
            {**key, "metric": metric, "value": e.value, "ci_low": e.low, "ci_high": e.high}
            for metric, e in measured.items()
        ]
    return rows
