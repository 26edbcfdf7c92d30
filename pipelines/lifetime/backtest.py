"""gold.clv_backtest: forecasts of purchases and value from past days, compared with the outcome."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from models.btyd.rows import Array
from models.btyd.worth import LifetimeModel
from models.lifetime_backtest import BoostedTrees, chosen_before, last_period, measures
from models.survival.rows import SurvivalError
from models.survival.worth import SurvivalWorth
from pipelines.lifetime.backtest_classes import coverage_rows, tenure_rows
from pipelines.lifetime.btyd_fits import fit_one
from pipelines.lifetime.customer_kinds import could_be_kept
from pipelines.lifetime.landmarks import Landmarks
from pipelines.lifetime.model_rows import Row
from pipelines.lifetime.past_errors import with_past_errors
from pipelines.lifetime.summaries import Summaries
from pipelines.lifetime.survival_fits import fit_one as fit_survival_model, with_rates
from runtime.context import Context
from runtime.settings import Settings

# Metrics that are also reported for all customers, including the lost ones.
ALSO_OF_ALL = ("mae", "rmse", "rank_correlation", "top_decile_share", "total_ratio")
Model = LifetimeModel | SurvivalWorth


class Chosen(NamedTuple):
    """Names of the chosen model of each approach; None: it has none."""

    btyd: str | None
    survival: str | None


@dataclass(frozen=True)
class Cuts:
    """The days from which forecasts are made. Their horizons have passed by as_of.

    judged: the days that are reported, at most lifetime.backtest.cuts. The approach at each of them
    is chosen by outcomes that were known before it, so earlier days are needed too.
    """

    judged: tuple[dt.date, ...]
    horizons: tuple[int, ...]
    earliest: dt.date

    @classmethod
    def of(cls, context: Context) -> Cuts:
        """The last cut is the longest horizon before as_of; the others are step_days apart."""
        settings = context.settings.lifetime.backtest
        longest = max(settings.horizons_days)
        days = [
            context.as_of - dt.timedelta(days=longest + settings.step_days * n)
            for n in range(settings.cuts)
        ]
        first = context.observed_from + dt.timedelta(days=settings.min_history_days)
        return cls(tuple(d for d in days if d >= first), tuple(settings.horizons_days), first)

    def earlier(self, cut: dt.date, horizon: int) -> dt.date:
        """The day one horizon before the cut, whose outcomes train the boosted trees."""
        return cut - dt.timedelta(days=horizon)

    @property
    def days(self) -> list[dt.date]:
        """All days from which forecasts are made, ascending."""
        before = {self.earlier(c, h) for c in self.judged for h in self.horizons}
        return sorted({*self.judged, *(d for d in before if d >= self.earliest)})

    @property
    def all_days(self) -> set[dt.date]:
        """`days`, and the days on which boosted trees are trained."""
        return {*self.days, *(self.earlier(c, h) for c in self.judged for h in self.horizons)}


def backtest(
    settings: Settings, summaries: Summaries, landmarks: Landmarks, *, cuts: Cuts, chosen: Chosen
) -> list[Row]:
    """One row per (cut, approach, horizon_days, metric)."""
    rows: list[Row] = []
    for cut in cuts.days:
        # A few thousand rows: more threads wait longer than they work (boosted trees took 25 s
        # instead of 1.4 s while the machine was busy).
        with threadpool_limits(1):
            models = _models(settings, summaries, landmarks, cut, chosen)
            rows += _of_cut(settings, landmarks, cuts, cut, models)
    return chosen_before(rows)


def _of_cut(
    settings: Settings,
    landmarks: Landmarks,
    cuts: Cuts,
    cut: dt.date,
    models: dict[str, Model],
) -> list[Row]:
    measured: list[Row] = []
    rows = landmarks.on_driver[cut]
    kept = could_be_kept(settings, rows).to_numpy()
    for horizon in cuts.horizons:
        forecasts = {"last_period": last_period(rows, horizon)}
        forecasts |= {name: m.forecast(rows, horizon) for name, m in models.items()}
        trees = None
        if cut in cuts.judged:  # Trees are never chosen, so the earlier days do not need them.
            trees = _trees(settings, landmarks, cuts.earlier(cut, horizon), horizon)
        if trees is not None:
            forecasts["boosted_trees"] = trees.predict(rows)
        key = {"cut": cut.isoformat(), "horizon_days": horizon}
        measured += [
            {**key, "approach": approach, **values}
            for approach, forecast in forecasts.items()
            for values in [
                *_measured(rows, forecast, horizon, kept),
                *tenure_rows(settings, rows[kept], forecast[kept], horizon=horizon),
            ]
        ]
    return [*measured, *coverage_rows(settings, landmarks.as_of, cut, rows=rows, models=models)]


def _models(
    settings: Settings, summaries: Summaries, landmarks: Landmarks, cut: dt.date, chosen: Chosen
) -> dict[str, Model]:
    """The chosen models as they would have been fitted on the cut, by approach."""
    models: dict[str, Model | None] = {}
    if chosen.btyd:
        model = fit_one(settings, summaries, cut, name=chosen.btyd)
        if model is not None:
            models["btyd"] = with_past_errors(settings, landmarks, cut, model=model)
    if chosen.survival and len(landmarks.alive(cut)):
        models["survival"] = _survival_model(settings, landmarks, cut, chosen.survival)
    return {name: model for name, model in models.items() if model is not None}


def _survival_model(
    settings: Settings, landmarks: Landmarks, cut: dt.date, name: str
) -> SurvivalWorth | None:
    """The survival model fitted on the cut; None: too few customers had left by then."""
    seen = landmarks.seen(cut)
    if seen is None or seen.events < settings.lifetime.survival.fewest_events:
        return None
    try:
        life, _ = fit_survival_model(settings, seen, name)
        return with_rates(settings, landmarks, cut, life=life)
    except SurvivalError:
        return None


def _trees(
    settings: Settings, landmarks: Landmarks, day: dt.date, horizon: int
) -> BoostedTrees | None:
    """Boosted trees fitted on an earlier day; None: there were too few customers."""
    rows = landmarks.on_driver.get(day)
    if rows is None:
        return None
    kept = rows[could_be_kept(settings, rows)]
    if len(kept) < settings.lifetime.fewest_customers:
        return None
    return BoostedTrees.fit(kept, horizon, settings.training.seed)


def _measured(rows: pd.DataFrame, forecast: pd.DataFrame, horizon: int, kept: Array) -> list[Row]:
    """Metrics of the customers in the mask `kept`; the metrics ALSO_OF_ALL of all customers too."""
    measured: list[Row] = []
    for what, actual in (("purchases", f"next_days_{horizon}"), ("value", f"next_value_{horizon}")):
        guess, truth = forecast[what].to_numpy(dtype=float), rows[actual].to_numpy(dtype=float)
        if np.isnan(guess).any():
            continue  # Without amounts only purchases are forecast.
        of_all = measures(truth, guess)
        values = {
            **measures(truth[kept], guess[kept]),
            **{f"{name}_all": of_all[name] for name in ALSO_OF_ALL if name in of_all},
        }
        for metric, value in values.items():
            count = len(rows) if metric.endswith("_all") else int(kept.sum())
            measured.append({"metric": f"{what}_{metric}", "value": value, "customers": count})
    return measured
