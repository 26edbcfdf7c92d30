"""Forecasts from past days beside what happened: gold.clv_backtest and gold.model_comparison."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from jobs.lifetime.fits import check, fit_of, fit_one
from jobs.lifetime.summaries import Summaries
from jobs.runtime.context import Context
from models.btyd.choice import fitted
from models.btyd.rows import NotFittableError
from models.btyd.worth import LifetimeModel
from models.lifetime_backtest import BoostedTrees, last_period, measures
from models.metrics import bootstrap_weights, estimates, stable_seed

Row = dict[str, Any]
# Customers compared on the driver, chosen by hash: means of 200,000 are exact to a thousandth.
MOST_ROWS = 200_000


@dataclass(frozen=True)
class Cuts:
    """The days forecast from, each with horizons that have passed by as_of."""

    days: tuple[dt.date, ...]
    horizons: tuple[int, ...]

    @classmethod
    def of(cls, context: Context) -> Cuts:
        """The last one lies the longest horizon before as_of, the others step_days apart."""
        settings = context.settings.lifetime.backtest
        longest = max(settings.horizons_days)
        days = [
            context.as_of - dt.timedelta(days=longest + settings.step_days * n)
            for n in range(settings.cuts)
        ]
        first = context.observed_from + dt.timedelta(days=settings.min_history_days)
        return cls(tuple(d for d in days if d >= first), tuple(settings.horizons_days))

    def earlier(self, cut: dt.date, horizon: int) -> dt.date:
        """Where boosted trees learn from: their outcomes end where the forecast begins."""
        return cut - dt.timedelta(days=horizon)

    @property
    def all_days(self) -> set[dt.date]:
        return {*self.days, *(self.earlier(c, h) for c in self.days for h in self.horizons)}


def backtest(context: Context, summaries: Summaries, cuts: Cuts, name: str) -> list[Row]:
    """One row a (cut, approach, horizon_days, metric)."""
    from transforms.lifetime import outcomes

    if not cuts.days:
        return []
    first = context.observed_from
    dates = sorted(d for d in cuts.all_days if d > first)
    # Whom gold.customer_scores would hold: the active and silent of the day.
    kept = context.settings.lifecycle.silent_days
    summary = summaries.summary.where(f"T_days - recency_days + 1 <= {kept}")
    frame = context.lake.keep(outcomes(summaries.days, summary, dates, cuts.horizons))
    rows = _samples(frame, dates)
    found: list[Row] = []
    for cut in cuts.days:
        model = fit_one(context, summaries, cut, name)
        for horizon in cuts.horizons:
            before = rows.get(cuts.earlier(cut, horizon))
            forecasts = {"last_period": last_period(rows[cut], horizon)}
            if model is not None:
                forecasts["btyd"] = by_model(model, rows[cut], horizon)
            if before is not None and len(before) >= context.settings.lifetime.fewest_customers:
                trees = BoostedTrees.fit(before, horizon, context.settings.training.seed)
                forecasts["boosted_trees"] = trees.predict(rows[cut])
            for approach, forecast in forecasts.items():
                found += _measured(cut, approach, horizon, rows[cut], forecast)
    return found


def by_model(model: LifetimeModel, rows: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """Purchases and revenue of the horizon, without margin or discount."""
    x, recency, T, money = (
        rows[c].astype(float).to_numpy()
        for c in ("frequency", "recency_days", "T_days", "monetary_value")
    )
    alive = model.purchases.p_alive(x, recency, T)
    purchases = alive * model.purchases.purchases_while_alive(x, T, float(horizon))
    each = model.spend.expected_value(x, money) if model.spend else np.full(len(x), np.nan)
    return pd.DataFrame({"purchases": purchases, "value": purchases * each}, index=rows.index)


def _measured(
    cut: dt.date, approach: str, horizon: int, rows: pd.DataFrame, forecast: pd.DataFrame
) -> list[Row]:
    found = []
    for what, actual in (("purchases", f"next_days_{horizon}"), ("value", f"next_value_{horizon}")):
        guess = forecast[what].to_numpy(dtype=float)
        if np.isnan(guess).any():
            continue  # no amounts: only purchases are forecast
        for metric, value in measures(rows[actual], guess).items():
            facts = {"cut": cut.isoformat(), "approach": approach, "horizon_days": horizon}
            named = {"metric": f"{what}_{metric}", "value": value, "customers": len(rows)}
            found.append({**facts, **named})
    return found


def _samples(frame: Any, dates: list[dt.date]) -> dict[dt.date, pd.DataFrame]:
    """The rows of each date, at most MOST_ROWS of them chosen by hash, sorted by customer."""
    from pyspark.sql import functions as F

    if frame.count() <= MOST_ROWS:
        every = frame.toPandas()
        found = {day: every[every["as_of"] == day] for day in dates}
    else:
        order = (F.xxhash64("customer_id"), "customer_id")
        found = {
            day: frame.where(f"as_of = DATE'{day}'").orderBy(*order).limit(MOST_ROWS).toPandas()
            for day in dates
        }
    return {d: r.sort_values("customer_id").reset_index(drop=True) for d, r in found.items()}


# ---------------------------------------------------------------------- beside the classifiers


def compare(context: Context, summaries: Summaries, day: dt.date) -> list[Row]:
    """gold.model_comparison's rows: P(no purchase within the horizon) on the labels of `day`.

    1 - P(alive) would rank one-time buyers as the safest under BG/NBD (they have P(alive) = 1), so
    the score is the probability of what the label says; roc_auc_p_alive stands beside it.
    """
    from pyspark.sql import functions as F

    for name in ("features.labels", "features.transactions"):
        if not context.has(name):
            return []
    horizon = context.settings.churn.primary_horizon_days
    labels = context.read("features.labels").where(
        f"as_of = DATE'{day}' AND horizon_days = {horizon}"
    )
    recent = context.read("features.transactions").where(f"as_of = DATE'{day}'")
    rows = summaries.of_day(summaries.summary, day).join(
        labels.select("customer_id", "churned"), on="customer_id", how="inner"
    )
    rows = rows.join(recent.select("customer_id", "purchases_90d"), on="customer_id", how="inner")
    chosen = rows.orderBy(F.xxhash64("customer_id"), "customer_id").limit(MOST_ROWS).toPandas()
    test = chosen.sort_values("customer_id").reset_index(drop=True)
    if not 0 < test["churned"].sum() < len(test):
        return []
    return [
        row
        for name in context.settings.lifetime.models
        for row in _compared(context, summaries, day, name, test)
    ]


def _compared(
    context: Context, summaries: Summaries, day: dt.date, name: str, test: pd.DataFrame
) -> list[Row]:
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
    found: list[Row] = []
    populations = {"all": np.ones(len(test), bool), "active_90d": (test["purchases_90d"] > 0)}
    for population, mask in populations.items():
        part = np.asarray(mask)
        label = test["churned"].to_numpy(dtype=float)[part]
        samples = settings.training.bootstrap_samples
        weights = bootstrap_weights(
            test["customer_id"][part].tolist(), samples, stable_seed(population)
        )
        measured = estimates(label, silent[part], 0.5, weights)
        measured["roc_auc_p_alive"] = estimates(label, left[part], 0.5, weights)["roc_auc"]
        for metric, estimate in measured.items():
            facts = {"model_name": name, "population": population, "split": "test"}
            ends = {"ci_low": estimate.low, "ci_high": estimate.high}
            found.append({**facts, "metric": metric, "value": estimate.value, **ends})
    return found
