"""Forecasts of purchases and value from past days beside what happened: gold.clv_backtest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from models.btyd.worth import LifetimeModel
from models.lifetime_backtest import BoostedTrees, chosen_before, last_period, measures
from models.survival.rows import SurvivalError
from models.survival.worth import SurvivalWorth
from pipelines.lifetime.btyd_fits import fit_one
from pipelines.lifetime.landmarks import Landmarks
from pipelines.lifetime.summaries import Summaries
from pipelines.lifetime.survival_fits import fit_one as fit_life, with_rates
from runtime.context import Context

Row = dict[str, Any]
# What is said of everyone with a purchase, the lost too.
ALSO_OF_ALL = ("mae", "rmse", "rank_correlation", "top_decile_share", "total_ratio")


@dataclass(frozen=True)
class Cuts:
    """The days forecast from, each with horizons that have passed by as_of.

    judged: the last `cuts` of them; the choice at one is made by what had passed before it, so
    that earlier ones are needed too.
    """

    judged: tuple[dt.date, ...]
    horizons: tuple[int, ...]
    earliest: dt.date

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
        return cls(tuple(d for d in days if d >= first), tuple(settings.horizons_days), first)

    def earlier(self, cut: dt.date, horizon: int) -> dt.date:
        """The day whose outcomes end where the forecast begins: boosted trees learn there."""
        return cut - dt.timedelta(days=horizon)

    @property
    def days(self) -> list[dt.date]:
        """All days forecast from, ascending."""
        before = {self.earlier(c, h) for c in self.judged for h in self.horizons}
        return sorted({*self.judged, *(d for d in before if d >= self.earliest)})

    @property
    def all_days(self) -> set[dt.date]:
        """These, and those where boosted trees learn."""
        return {*self.days, *(self.earlier(c, h) for c in self.judged for h in self.horizons)}


def backtest(
    context: Context, summaries: Summaries, landmarks: Landmarks, cuts: Cuts, names: dict[str, Any]
) -> list[Row]:
    """One row a (cut, approach, horizon_days, metric). names: of the chosen btyd and survival."""
    found: list[Row] = []
    for cut in cuts.days:
        # Some thousand rows: a second thread waits longer than it works (boosted trees took 25 s
        # for 1.4 s where the machine had other work).
        with threadpool_limits(1):
            found += _of_cut(context, summaries, landmarks, cuts, cut, names)
    return chosen_before(found)


def _of_cut(
    context: Context,
    summaries: Summaries,
    landmarks: Landmarks,
    cuts: Cuts,
    cut: dt.date,
    names: dict[str, Any],
) -> list[Row]:
    found: list[Row] = []
    rows = landmarks.on_driver[cut]
    kept = _could_be_kept(context, rows)
    models = _models(context, summaries, landmarks, cut, names)
    for horizon in cuts.horizons:
        forecasts = {"last_period": last_period(rows, horizon)}
        forecasts |= {name: _forecast(m, rows, horizon) for name, m in models.items()}
        trees = None
        if cut in cuts.judged:  # they are never chosen, so that earlier cuts need none
            trees = _trees(context, landmarks, cuts.earlier(cut, horizon), horizon)
        if trees is not None:
            forecasts["boosted_trees"] = trees.predict(rows)
        facts = {"cut": cut.isoformat(), "horizon_days": horizon}
        for approach, forecast in forecasts.items():
            measured = _measured(rows, forecast, horizon, kept.to_numpy())
            found += [{**facts, "approach": approach, **m} for m in measured]
    return found


def _models(
    context: Context,
    summaries: Summaries,
    landmarks: Landmarks,
    cut: dt.date,
    names: dict[str, Any],
) -> dict[str, Any]:
    """The models of both approaches as they would have been fitted on the cut."""
    models: dict[str, Any] = {}
    if names["btyd"]:
        models["btyd"] = fit_one(context, summaries, cut, names["btyd"])
    seen = landmarks.seen(cut) if names["survival"] and len(landmarks.alive(cut)) else None
    if seen is not None and seen.events >= context.settings.lifetime.survival.fewest_events:
        try:
            life, _ = fit_life(context, seen, names["survival"])
            models["survival"] = with_rates(context, landmarks, cut, life)
        except SurvivalError:
            pass  # too little had happened by then
    return {name: model for name, model in models.items() if model is not None}


def _forecast(model: Any, rows: pd.DataFrame, horizon: int) -> pd.DataFrame:
    if isinstance(model, SurvivalWorth):
        return by_staying(model, rows, horizon)
    return by_model(model, rows, horizon)


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


def by_staying(model: SurvivalWorth, rows: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """The same of approach 2; who had left is expected to bring nothing."""
    found = pd.DataFrame(0.0, index=rows.index, columns=["purchases", "value"])
    here = rows[rows["entry_days"].notna()]
    found.loc[here.index] = model.forecast(here, horizon)
    return found


def _could_be_kept(context: Context, rows: pd.DataFrame) -> Any:
    """Who gold.customer_scores would hold that day: active or silent, the contract not ended."""
    silent = rows["T_days"] - rows["recency_days"] + 1
    return (silent <= context.settings.lifecycle.silent_days) & ~rows["is_terminated"]


def _trees(
    context: Context, landmarks: Landmarks, before: dt.date, horizon: int
) -> BoostedTrees | None:
    """Boosted trees from an earlier day; None: too few customers were there."""
    rows = landmarks.on_driver.get(before)
    if rows is None:
        return None
    kept = rows[_could_be_kept(context, rows)]
    if len(kept) < context.settings.lifetime.fewest_customers:
        return None
    return BoostedTrees.fit(kept, horizon, context.settings.training.seed)


def _measured(
    rows: pd.DataFrame, forecast: pd.DataFrame, horizon: int, kept: Any
) -> list[Mapping[str, Any]]:
    """Of the `kept`, and of all."""
    found: list[Mapping[str, Any]] = []
    for what, actual in (("purchases", f"next_days_{horizon}"), ("value", f"next_value_{horizon}")):
        guess, truth = forecast[what].to_numpy(dtype=float), rows[actual].to_numpy(dtype=float)
        if np.isnan(guess).any():
            continue  # no amounts: only purchases are forecast
        of_all = measures(truth, guess)
        figures = {
            **measures(truth[kept], guess[kept]),
            **{f"{name}_all": of_all[name] for name in ALSO_OF_ALL if name in of_all},
        }
        for metric, value in figures.items():
            count = len(rows) if metric.endswith("_all") else int(kept.sum())
            found.append({"metric": f"{what}_{metric}", "value": value, "customers": count})
    return found
