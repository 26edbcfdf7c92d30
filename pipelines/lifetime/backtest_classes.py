"""Rows of gold.clv_backtest by class: bias by days known, and coverage of the intervals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
import pandas as pd

from models.btyd.worth import LifetimeModel
from models.lifetime_backtest import QUARTERS, quarters, ratio_interval, share_interval
from models.new_customers import days_known
from models.return_rate import silent_days
from models.survival.worth import SurvivalWorth
from models.value_interval import LEVELS
from pipelines.lifetime.customer_kinds import could_be_kept
from pipelines.lifetime.model_rows import Row
from runtime.settings import Settings

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]


def has_amounts(rows: pd.DataFrame, horizon: int) -> bool:
    """Whether any customer had revenue in the horizon before or after the cut.

    Without amounts every value is 0, so that nothing is measured.
    """
    values = rows[[f"past_value_{horizon}", f"next_value_{horizon}"]]
    return bool(values.to_numpy().any())


def tenure_rows(
    settings: Settings, rows: pd.DataFrame, forecast: pd.DataFrame, *, horizon: int
) -> list[Row]:
    """Forecast divided by outcome, by days known at the cut, with an interval of 90 %.

    The classes are those of new customers in conf, the third and fourth joined where there are
    four, then all others. A class without customers has no row. Null: unknown without amounts.
    """
    known, measured = days_known(rows), []
    for what, actual in (("purchases", f"next_days_{horizon}"), ("value", f"next_value_{horizon}")):
        guess, truth = forecast[what].to_numpy(dtype=float), rows[actual].to_numpy(dtype=float)
        if np.isnan(guess).any():
            continue
        for name, mask in tenure_classes(settings, known):
            ratio, low, high = ratio_interval(
                truth[mask],
                guess[mask],
                samples=settings.training.bootstrap_samples,
                seed=settings.training.seed,
            )
            values = {"": ratio, "_low": low, "_high": high}
            if what == "value" and not has_amounts(rows, horizon):
                values = dict.fromkeys(values)
            measured += [
                {
                    "metric": f"{what}_bias_tenure_{name}{bound}",
                    "value": value,
                    "customers": int(mask.sum()),
                }
                for bound, value in values.items()
                if mask.any()
            ]
    return measured


def tenure_classes(settings: Settings, known: np.ndarray) -> Iterator[tuple[str, Mask]]:
    """Name and mask of each class of days known: 1_7, 8_14, 15_60 and 61_ by default."""
    edges = [0, *settings.lifetime.new_customers.tenure_days]
    if len(edges) > 4:
        edges = [*edges[:3], edges[-1]]
    for below, last in pairwise(edges):
        yield f"{below + 1}_{last}", (known > below) & (known <= last)
    yield f"{edges[-1] + 1}_", known > edges[-1]


def coverage_rows(
    settings: Settings,
    as_of: dt.date,
    cut: dt.date,
    *,
    rows: pd.DataFrame,
    models: Mapping[str, LifetimeModel | SurvivalWorth],
) -> list[Row]:
    """Share of customers whose revenue was inside the interval, with its own interval of 95 %.

    By horizon that had passed since the cut by as_of, and by class of customers. Also the longest
    of these horizons.
    """
    wanted = settings.lifetime.backtest.coverage_horizons_days
    values = [c for c in rows if c.startswith(("past_value_", "next_value_"))]
    if not rows[values].to_numpy().any():
        return []  # Without amounts there is no revenue to cover.
    passed = [h for h in wanted if cut + dt.timedelta(days=h) <= as_of]
    measured: list[Row] = []
    for approach, model in models.items():
        until: list[int] = []
        for horizon in passed:
            key = {"cut": cut.isoformat(), "approach": approach, "horizon_days": horizon}
            shares = _coverage(settings, model, rows, horizon=horizon)
            measured += [{**key, **row} for row in shares]
            until += [horizon] if shares else []
        if until:
            kept = int(could_be_kept(settings, rows).sum())
            last = {"cut": cut.isoformat(), "approach": approach, "horizon_days": max(until)}
            value = {"metric": "coverage_measured_until_days", "value": float(max(until))}
            measured.append({**last, **value, "customers": kept})
    return measured


def _coverage(
    settings: Settings, model: LifetimeModel | SurvivalWorth, rows: pd.DataFrame, *, horizon: int
) -> list[Row]:
    came = rows[f"next_value_{horizon}"].to_numpy(dtype=float)
    expected = model.forecast(rows, horizon)["value"].to_numpy(dtype=float)
    measured: list[Row] = []
    for level in LEVELS:
        bounds = model.interval(rows, horizon, level=level)
        low, high = (bounds[name].to_numpy(dtype=float) for name in ("low", "high"))
        is_known = ~np.isnan(low)
        # Money has two decimals, so a bound below half a cent is 0.
        is_inside = (came >= np.where(low < 0.005, came.clip(max=0), low)) & (came <= high)
        for name, mask in _classes(settings, rows, expected):
            here = mask & is_known
            if not here.any():
                continue
            share, *ends = share_interval(int(is_inside[here].sum()), int(here.sum()))
            values = zip(("", "_low", "_high"), (share, *ends), strict=True)
            measured += [
                {
                    "metric": f"value_coverage_{round(100 * level)}{name}{bound}",
                    "value": value,
                    "customers": int(here.sum()),
                }
                for bound, value in values
            ]
    return measured


def _classes(
    settings: Settings, rows: pd.DataFrame, expected: np.ndarray
) -> Iterator[tuple[str, Mask]]:
    """All who could be kept; by lifecycle and new; by quarter of the forecast; the lost."""
    kept = could_be_kept(settings, rows).to_numpy()
    silent, known = silent_days(rows), days_known(rows)
    yield "", kept
    yield "_active", kept & (silent <= settings.lifecycle.active_days)
    yield "_silent", kept & (silent > settings.lifecycle.active_days)
    yield "_new", kept & (known <= settings.lifetime.new_customers.tenure_days[-1])
    yield "_lost", ~kept & ~rows["is_terminated"].to_numpy(dtype=bool)
    place = np.zeros(len(rows), dtype=np.int64)
    place[kept] = quarters(expected[kept])
    for quarter in range(1, QUARTERS + 1):
        yield f"_quarter_{quarter}", place == quarter
